// pretrain moco_v2: MoCo v2.
//   pretrain moco_v2 --data builtin --out out/run
#pragma once
#include <pretext/methods/moco_v2.hpp>

#include "support/view_method.hpp"

namespace programs {

struct moco_v2_definition {
  static constexpr bool has_target = true;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::simclr;
  struct options {
    double temperature = 0.1;
    std::size_t queue = 4096;

    void add_fields(std::vector<field>& all) {
      all.push_back({"temperature", &temperature, "--temperature", "temperature of InfoNCE", positive{}});
      all.push_back({"queue", &queue, "--queue", "rows of the queue, about: a multiple of --batch is taken",
                     range{.min = 1}});
    }
  };

  static method_info info() {
    return {.name = "moco_v2",
            .title = "MoCo v2",
            .paper = "He et al. 2020",
            .loss = "InfoNCE",
            .description =
                "Pretrains an image encoder with MoCo v2 (He et al. 2020), without labels, against a queue "
                "of keys."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::moco_v2<Images, Encoder, pretext::moco_v2_head<Width, 128>>;
  static void configure(auto& method, const auto& options, const recipe& config) {
    method.loss = {.capacity = queue_capacity(options.queue, config), .temperature = options.temperature};
  }
};

struct moco_v2 : view_method<moco_v2_definition> {};

}  // namespace programs
