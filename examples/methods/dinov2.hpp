// pretrain dinov2: DINOv2, which is iBOT with a head for patches and one for images, targets by Sinkhorn and
// Knopp's algorithm, and a term that spreads features. Small crops are an option of the library alone.
//   pretrain dinov2 --data builtin --out out/run
#pragma once
#include <pretext/methods/dinov2.hpp>

#include "support/view_method.hpp"

namespace programs {

struct dinov2_definition {
  static constexpr bool has_target = true;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::simclr;
  using vit_recipe = pretext::dinov2_pretraining;
  struct options {
    double temperature = 0.1;
    double target_temperature = 0.04;
    double masked_images = 0.5;
    double koleo = 0.1;

    void add_fields(std::vector<field>& all) {
      all.push_back({"temperature", &temperature, "--temperature", "temperature of the student", positive{}});
      all.push_back({"target_temperature", &target_temperature, "--target-temperature",
                     "temperature of the teacher", positive{}});
      all.push_back({"masked_images", &masked_images, "--masked-images",
                     "fraction of the views of which patches are masked", between{0, 1}});
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
  using method = pretext::dinov2<Images, Encoder,
                                 pretext::dino_head<2048, 4 * Width, 256, pretext::weight_gain::learned>>;
  static void configure(auto& method, const auto& options, const recipe&) {
    method.loss.views.student_temperature = method.loss.patches.student_temperature = options.temperature;
    method.loss.views.teacher_temperature = method.loss.patches.teacher_temperature =
        options.target_temperature;
    method.loss.features.weight = options.koleo;
    method.masking.probability = options.masked_images;
  }

  /// The last layer is frozen in the first epoch.
  static void adjust(const recipe&, std::size_t step, std::size_t per_epoch, pretext::step_values& values) {
    values.groups[0].frozen = step < per_epoch;
  }

  template <class Images, class Normalisation>
  static auto views(const pretext::view_preset& differ, const Normalisation& normalisation) {
    return pretext::make_byol_views<Images>(differ, normalisation);
  }
};

struct dinov2 : view_method<dinov2_definition> {};

}  // namespace programs
