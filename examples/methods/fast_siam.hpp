// pretrain fast_siam: FastSiam.
//   pretrain fast_siam --data builtin --out out/run
#pragma once
#include <pretext/methods/simsiam.hpp>

#include "support/view_method.hpp"

namespace programs {

struct fast_siam_definition {
  static constexpr bool has_target = false;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::simclr;
  struct options {
    void add_fields(std::vector<field>&) {}
  };

  static method_info info() {
    return {.name = "fast_siam",
            .title = "FastSiam",
            .paper = "Pototzky et al. 2022",
            .loss = "-cos",
            .description =
                "Pretrains an image encoder with FastSiam (Pototzky et al. 2022), without labels, with four "
                "views of each image."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::fast_siam<Images, Encoder, 4, pretext::simsiam_head<4 * Width>,
                                    pretext::simsiam_predictor<Width, 4 * Width>>;
  static void configure(auto&, const auto&, const recipe&) {}

  /// The predictor's learning rate stays constant.
  static void adjust(const recipe& config, std::size_t, std::size_t, pretext::step_values& values) {
    values.groups[0].learning_rate = config.learning_rate;
  }
  template <class Images, class Normalisation>
  static auto views(const pretext::view_preset& differ, const Normalisation& normalisation) {
    return pretext::repeat_view<4>(
        pretext::make_simclr_views<Images>(differ, normalisation).template view<0>());
  }
};

struct fast_siam : view_method<fast_siam_definition> {};

}  // namespace programs
