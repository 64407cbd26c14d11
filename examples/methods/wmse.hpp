// pretrain wmse: W-MSE.
//   pretrain wmse --data builtin --out out/run
#pragma once
#include <pretext/methods/wmse.hpp>

#include "support/view_method.hpp"

namespace programs {

struct wmse_definition {
  static constexpr bool has_target = false;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::simclr;
  struct options {
    std::size_t sub_batch = 128;
    double whitening_epsilon = 0;

    void add_fields(std::vector<field>& all) {
      all.push_back({"sub_batch", &sub_batch, "--sub-batch",
                     "images that are whitened together, at most --batch, which they divide", range{.min = 2},
                     "128"});
      all.push_back({"whitening_epsilon", &whitening_epsilon, "--whitening-epsilon",
                     "share of the identity in the covariance", below_one{}, "0"});
    }
  };

  static method_info info() {
    return {.name = "wmse",
            .title = "W-MSE",
            .paper = "Ermolov et al. 2021",
            .loss = "2 - 2 cos after whitening",
            .description =
                "Pretrains an image encoder with W-MSE (Ermolov et al. 2021), without labels or negatives."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::wmse<Images, Encoder, pretext::byol_head<4 * Width, Width / 4>>;
  static void configure(auto& method, const auto& options, const recipe& config) {
    method.loss.sub_batch = std::min(options.sub_batch, config.batch);
    method.loss.epsilon = options.whitening_epsilon;
  }
};

struct wmse : view_method<wmse_definition> {};

}  // namespace programs
