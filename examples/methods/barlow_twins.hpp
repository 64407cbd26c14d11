// pretrain barlow_twins: Barlow Twins.
//   pretrain barlow_twins --data builtin --out out/run
#pragma once
#include <pretext/methods/barlow_twins.hpp>

#include "support/view_method.hpp"

namespace programs {

struct barlow_twins_definition {
  static constexpr bool has_target = false;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::byol;
  struct options {
    double lambda = 0.005;

    void add_fields(std::vector<field>& all) {
      all.push_back({"lambda", &lambda, "--lambda", "weight of the correlations of different variables",
                     non_negative{}});
    }
  };

  static method_info info() {
    return {.name = "barlow_twins",
            .title = "Barlow Twins",
            .paper = "Zbontar et al. 2021",
            .loss = "correlations",
            .description =
                "Pretrains an image encoder with Barlow Twins (Zbontar et al. 2021), without labels or "
                "negatives."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::barlow_twins<Images, Encoder, pretext::three_layer_head<4 * Width>>;
  static void configure(auto& method, const auto& options, const recipe&) {
    method.loss.lambda = options.lambda;
  }

  template <class Images, class Normalisation>
  static auto views(const pretext::view_preset& differ, const Normalisation& normalisation) {
    return pretext::make_byol_views<Images>(differ, normalisation);
  }
};

struct barlow_twins : view_method<barlow_twins_definition> {};

}  // namespace programs
