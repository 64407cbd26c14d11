// pretrain msn: MSN, whose vision transformer assigns a view without some of its patches to the prototypes of
// another, whole view.
//   pretrain msn --data builtin --out out/run
#pragma once
#include <pretext/methods/msn.hpp>

#include "support/view_method.hpp"

namespace programs {

struct msn_definition {
  static constexpr bool has_target = true;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::simclr;
  static constexpr bool sees_local_crops = true;
  using vit_recipe = pretext::msn_pretraining;
  struct options {
    double temperature = 0.1;
    double sharpening = 0.25;
    double spread = 1;
    std::size_t iterations = 3;

    void add_fields(std::vector<field>& all) {
      all.push_back({"temperature", &temperature, "--temperature", "temperature of the anchors", positive{}});
      all.push_back({"sharpening", &sharpening, "--sharpening",
                     "the target's probabilities are taken to the power of 1 over this", positive{}});
      all.push_back(
          {"spread", &spread, "--spread", "weight of the entropy of the mean prediction", non_negative{}});
      all.push_back({"iterations", &iterations, "--iterations",
                     "of Sinkhorn and Knopp's algorithm on the targets; 0: none"});
    }
  };

  static method_info info() {
    return {.name = "msn",
            .title = "MSN",
            .paper = "Assran et al. 2022",
            .loss = "cross-entropy of assignments to prototypes",
            .description =
                "Pretrains a vision transformer with MSN (Assran et al. 2022), without labels or "
                "negatives: one view lacks 15 % of its patches, the other is whole."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::msn<Images, Encoder, 1024,
                              pretext::dino_bottleneck<4 * Width, 256, pretext::hidden_norm::batch>>;
  static void configure(auto& method, const auto& options, const recipe&) {
    method.loss = {.temperature = options.temperature,
                   .sharpening = options.sharpening,
                   .spread = options.spread,
                   .iterations = options.iterations};
  }
};

struct msn : view_method<msn_definition> {};

}  // namespace programs
