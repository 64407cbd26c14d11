// pretrain dinov2: DINOv2, which is iBOT with a head for patches and one for images, targets by Sinkhorn and
// Knopp's algorithm, and a term that spreads features.
//   pretrain dinov2 --data builtin --out out/run
#pragma once
#include <pretext/methods/dinov2.hpp>

#include "ibot.hpp"

namespace programs {

struct dinov2_definition : ibot_definition {
  using vit_recipe = pretext::dinov2_pretraining;
  struct options : ibot_definition::shared_options {
    double koleo = 0.1;

    void add_fields(std::vector<field>& all) {
      ibot_definition::shared_options::add_fields(all);
      all.push_back({"koleo", &koleo, "--koleo", "weight of the term that spreads features", non_negative{}});
    }
  };

  static method_info info() {
    return {.name = "dinov2",
            .title = "DINOv2",
            .paper = "Oquab et al. 2024",
            .loss = "self-distillation of views and of masked patches",
            .description =
                "Pretrains a vision transformer with DINOv2 (Oquab et al. 2024), without labels or "
                "negatives."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::dinov2<Images, Encoder, head_for<Images, Width>>;
  static void configure(auto& method, const auto& options, const recipe&) {
    configure_shared(method, options);
    method.loss.features.weight = options.koleo;
  }
};

struct dinov2 : view_method<dinov2_definition> {};

}  // namespace programs
