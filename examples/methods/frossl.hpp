// pretrain frossl: FroSSL.
//   pretrain frossl --data builtin --out out/run
#pragma once
#include <pretext/methods/frossl.hpp>

#include "support/view_method.hpp"

namespace programs {

struct frossl_definition {
  static constexpr bool has_target = false;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::simclr;
  struct options {
    double invariance = 1;

    void add_fields(std::vector<field>& all) {
      all.push_back({"frossl_invariance", &invariance, "--invariance", "weight of the distance of the views",
                     non_negative{}});
    }
  };

  static method_info info() {
    return {.name = "frossl",
            .title = "FroSSL",
            .paper = "Skean et al. 2024",
            .loss = "Frobenius norms and invariance",
            .description =
                "Pretrains an image encoder with FroSSL (Skean et al. 2024), without labels or negatives."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::frossl<Images, Encoder, pretext::three_layer_head<4 * Width>>;
  static void configure(auto& method, const auto& options, const recipe&) {
    method.loss.invariance = options.invariance;
  }
};

struct frossl : view_method<frossl_definition> {};

}  // namespace programs
