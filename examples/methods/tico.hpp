// pretrain tico: TiCo.
//   pretrain tico --data builtin --out out/run
#pragma once
#include <pretext/methods/tico.hpp>

#include "support/view_method.hpp"

namespace programs {

struct tico_definition {
  static constexpr bool has_target = true;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::byol;
  struct options {
    double rho = 8;

    void add_fields(std::vector<field>& all) {
      all.push_back({"rho", &rho, "--rho", "weight of the moving covariance", non_negative{}});
    }
  };

  static method_info info() {
    return {.name = "tico",
            .title = "TiCo",
            .paper = "Zhu et al. 2022",
            .loss = "cosine and covariance",
            .description =
                "Pretrains an image encoder with TiCo (Zhu et al. 2022), without labels or negatives."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::tico<Images, Encoder,
                               pretext::byol_head<4 * Width, 256, pretext::bias::no, pretext::bias::yes>>;
  static void configure(auto& method, const auto& options, const recipe&) { method.loss.rho = options.rho; }
};

struct tico : view_method<tico_definition> {};

}  // namespace programs
