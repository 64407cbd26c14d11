// pretrain simsiam: SimSiam.
//   pretrain simsiam --data builtin --out out/run
#pragma once
#include <pretext/methods/simsiam.hpp>

#include "support/view_method.hpp"

namespace programs {

struct simsiam_definition {
  static constexpr bool has_target = false;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::simclr;
  struct options {
    void add_fields(std::vector<field>&) {}
  };

  static method_info info() {
    return {.name = "simsiam",
            .title = "SimSiam",
            .paper = "Chen & He 2021",
            .loss = "-cos",
            .description =
                "Pretrains an image encoder with SimSiam (Chen & He 2021), without labels, negatives or a "
                "target network."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::simsiam<Images, Encoder, pretext::simsiam_head<4 * Width>,
                                  pretext::simsiam_predictor<Width, 4 * Width>>;
  static void configure(auto&, const auto&, const recipe&) {}

  /// The predictor's learning rate stays constant.
  static void adjust(const recipe& config, std::size_t, std::size_t, pretext::step_values& values) {
    values.groups[0].learning_rate = config.learning_rate;
  }
};

struct simsiam : view_method<simsiam_definition> {};

}  // namespace programs
