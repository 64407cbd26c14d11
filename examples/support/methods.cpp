#include "methods.hpp"

namespace programs {

method_card card_of(const std::string& method) {
  static const method_card all[] = {
      {"simclr", "SimCLR", "Chen et al. 2020", "NT-Xent"},
      {"byol", "BYOL", "Grill et al. 2020", "2 - 2 cos, both directions"},
      {"mae", "MAE", "He et al. 2022", "squared error of hidden patches", false},
  };
  for (const method_card& card : all)
    if (card.name == method) return card;
  return {method, method, "no paper that these programs know", "loss"};
}

}  // namespace programs
