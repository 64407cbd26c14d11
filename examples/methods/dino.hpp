// pretrain dino: DINO.
//   pretrain dino --data builtin --out out/run
#pragma once
#include <pretext/methods/dino.hpp>

#include "support/view_method.hpp"

namespace programs {

struct dino_definition {
  static constexpr bool has_target = true;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::simclr;
  static constexpr bool sees_local_crops = true;
  struct options {
    double temperature = 0.1;
    double target_temperature = 0.04;
    double centre_momentum = 0.9;

    void add_fields(std::vector<field>& all) {
      all.push_back({"temperature", &temperature, "--temperature", "temperature of the student", positive{}});
      all.push_back({"target_temperature", &target_temperature, "--target-temperature",
                     "temperature of the teacher", positive{}});
      all.push_back({"centre_momentum", &centre_momentum, "--centre-momentum",
                     "what the centre of the teacher's scores keeps of itself in a step", below_one{},
                     "0.9"});
    }
  };

  static method_info info() {
    return {.name = "dino",
            .title = "DINO",
            .paper = "Caron et al. 2021",
            .loss = "self-distillation",
            .description =
                "Pretrains an image encoder with DINO (Caron et al. 2021), without labels or negatives."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::dino<
      Images, Encoder,
      pretext::dino_head<2048, 4 * Width, 256, pretext::weight_gain::fixed, pretext::hidden_norm::batch>>;
  static void configure(auto& method, const auto& options, const recipe&) {
    method.loss.student_temperature = options.temperature;
    method.loss.teacher_temperature = options.target_temperature;
    method.loss.centre_momentum = options.centre_momentum;
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

struct dino : view_method<dino_definition> {};

}  // namespace programs
