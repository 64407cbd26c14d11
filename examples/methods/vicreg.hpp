// pretrain vicreg: VICReg.
//   pretrain vicreg --data builtin --out out/run
#pragma once
#include <pretext/methods/vicreg.hpp>

#include "support/view_method.hpp"

namespace programs {

struct vicreg_definition {
  static constexpr bool has_target = false;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::byol;
  struct options {
    double invariance = 25;
    double variance = 25;
    double covariance = 1;

    void add_fields(std::vector<field>& all) {
      all.push_back(
          {"invariance", &invariance, "--invariance", "weight of the distance of the views", non_negative{}});
      all.push_back(
          {"variance", &variance, "--variance", "weight of the hinge of deviations", non_negative{}});
      all.push_back({"covariance", &covariance, "--covariance", "weight of the covariances", non_negative{}});
    }
  };

  static method_info info() {
    return {.name = "vicreg",
            .title = "VICReg",
            .paper = "Bardes et al. 2022",
            .loss = "variance, invariance, covariance",
            .description =
                "Pretrains an image encoder with VICReg (Bardes et al. 2022), without labels or negatives."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::vicreg<Images, Encoder, pretext::three_layer_head<4 * Width>>;
  static void configure(auto& method, const auto& options, const recipe&) {
    method.loss = {options.invariance, options.variance, options.covariance};
  }

  template <class Images, class Normalisation>
  static auto views(const pretext::view_preset& differ, const Normalisation& normalisation) {
    return pretext::make_byol_views<Images>(differ, normalisation);
  }
};

struct vicreg : view_method<vicreg_definition> {};

}  // namespace programs
