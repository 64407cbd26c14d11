// pretrain ibot: iBOT, whose vision transformer also predicts what the teacher says of masked patches.
//   pretrain ibot --data builtin --out out/run
#pragma once
#include <cstddef>
#include <type_traits>

#include <pretext/core/view_groups.hpp>
#include <pretext/methods/ibot.hpp>

#include "support/view_method.hpp"

namespace programs {

struct ibot_definition {
  static constexpr bool has_target = true;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::simclr;
  static constexpr bool sees_local_crops = true;
  using vit_recipe = pretext::dino_pretraining;
  /// The options that DINOv2 has, too.
  struct shared_options {
    double temperature = 0.1;
    double target_temperature = 0.04;
    double masked_images = 0.5;

    void add_fields(std::vector<field>& all) {
      all.push_back({"temperature", &temperature, "--temperature", "temperature of the student", positive{}});
      all.push_back({"target_temperature", &target_temperature, "--target-temperature",
                     "temperature of the teacher", positive{}});
      all.push_back({"masked_images", &masked_images, "--masked-images",
                     "fraction of the views of which patches are masked", between{0, 1}});
    }
  };
  struct options : shared_options {
    double centre_momentum = 0.9;

    void add_fields(std::vector<field>& all) {
      shared_options::add_fields(all);
      all.push_back({"centre_momentum", &centre_momentum, "--centre-momentum",
                     "what the centres of the teacher's scores keep of themselves in a step", below_one{},
                     "0.9"});
    }
  };

  static method_info info() {
    return {.name = "ibot",
            .title = "iBOT",
            .paper = "Zhou et al. 2022",
            .loss = "self-distillation of views and of masked patches",
            .description =
                "Pretrains a vision transformer with iBOT (Zhou et al. 2022), without labels or "
                "negatives."};
  }

  /// Fewer prototypes for images of up to 96 pixels, and batch norm, with which a short training learns more.
  template <class Images, std::size_t Width>
  using head_for = std::conditional_t<
      (pretext::detail::view_groups<Images>::images::extents[0] > 96),
      pretext::dino_head<2048, 4 * Width, 256, pretext::weight_gain::learned>,
      pretext::dino_head<512, 2 * Width, 64, pretext::weight_gain::fixed, pretext::hidden_norm::batch>>;
  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::ibot<Images, Encoder, head_for<Images, Width>>;
  static void configure(auto& method, const auto& options, const recipe&) {
    configure_shared(method, options);
    method.loss.views.centre_momentum = method.loss.patches.centre_momentum = options.centre_momentum;
  }
  static void configure_shared(auto& method, const auto& options) {
    method.loss.views.student_temperature = method.loss.patches.student_temperature = options.temperature;
    method.loss.views.teacher_temperature = method.loss.patches.teacher_temperature =
        options.target_temperature;
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
  template <class Images, class Normalisation>
  static auto local_view(const pretext::view_preset& differ, const Normalisation& normalisation) {
    return pretext::make_dino_local_view<Images>(differ, normalisation);
  }
};

struct ibot : view_method<ibot_definition> {};

}  // namespace programs
