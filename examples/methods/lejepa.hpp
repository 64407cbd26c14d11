// pretrain lejepa: LeJEPA.
//   pretrain lejepa --data builtin --out out/run
#pragma once
#include <pretext/methods/lejepa.hpp>

#include "support/view_method.hpp"

namespace programs {

struct lejepa_definition {
  static constexpr bool has_target = false;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::simclr;
  static constexpr bool sees_local_crops = true;
  struct options {
    double lambda = 0.05;
    std::size_t slices = 256;

    void add_fields(std::vector<field>& all) {
      all.push_back({"lambda", &lambda, "--lambda", "weight of the isotropy", between{0, 1}});
      all.push_back({"slices", &slices, "--slices", "random directions of a step", range{.min = 1}});
    }
  };

  static method_info info() {
    return {.name = "lejepa",
            .title = "LeJEPA",
            .paper = "Balestriero & LeCun 2025",
            .loss = "invariance and isotropy",
            .description =
                "Pretrains an image encoder with LeJEPA (Balestriero & LeCun 2025), without labels, "
                "negatives or a target network."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::lejepa<Images, Encoder, pretext::lejepa_head<4 * Width, 64>>;
  static void configure(auto& method, const auto& options, const recipe&) {
    method.loss.lambda = options.lambda;
    method.loss.slices = options.slices;
  }
};

struct lejepa : view_method<lejepa_definition> {};

}  // namespace programs
