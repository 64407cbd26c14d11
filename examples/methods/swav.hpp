// pretrain swav: SwAV.
//   pretrain swav --data builtin --out out/run
#pragma once
#include <pretext/methods/swav.hpp>

#include "support/view_method.hpp"

namespace programs {

struct swav_definition {
  static constexpr bool has_target = false;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::simclr;
  static constexpr bool sees_local_crops = true;
  struct options {
    double temperature = 0.1;
    double epsilon = 0.05;
    // No preset has a queue: the paper's takes part from epoch 15 on, this one once it is full.
    std::size_t queue = 0;

    void add_fields(std::vector<field>& all) {
      all.push_back(
          {"temperature", &temperature, "--temperature", "temperature of the predictions", positive{}});
      all.push_back({"epsilon", &epsilon, "--epsilon", "smoothness of the codes", positive{}});
      all.push_back({"swav_queue", &queue, "--queue",
                     "embeddings that take part in the codes, about: a multiple of --batch is taken; 0: none",
                     range{.min = 0}, "0"});
    }
  };

  static method_info info() {
    return {.name = "swav",
            .title = "SwAV",
            .paper = "Caron et al. 2020",
            .loss = "swapped prediction",
            .description =
                "Pretrains an image encoder with SwAV (Caron et al. 2020), without labels, by codes of "
                "prototypes."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::swav<Images, Encoder, pretext::swav_head<4 * Width, 128>, 512>;
  static void configure(auto& method, const auto& options, const recipe& config) {
    method.loss.temperature = options.temperature;
    method.loss.epsilon = options.epsilon;
    if (options.queue > 0) method.loss.capacity = queue_capacity(options.queue, config);
  }

  /// The prototypes are frozen in the first epoch.
  static void adjust(const recipe&, std::size_t step, std::size_t per_epoch, pretext::step_values& values) {
    values.groups[0].frozen = step < per_epoch;
  }
};

struct swav : view_method<swav_definition> {};

}  // namespace programs
