// pretrain moco_v3: MoCo v3.
//   pretrain moco_v3 --data builtin --out out/run
#pragma once
#include <pretext/methods/moco_v3.hpp>

#include "support/view_method.hpp"

namespace programs {

struct moco_v3_definition {
  static constexpr bool has_target = true;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::byol;
  struct options {
    double temperature = 0.2;

    void add_fields(std::vector<field>& all) {
      all.push_back({"temperature", &temperature, "--temperature", "temperature of InfoNCE", positive{}});
    }
  };

  static method_info info() {
    return {.name = "moco_v3",
            .title = "MoCo v3",
            .paper = "Chen et al. 2021",
            .loss = "InfoNCE",
            .description = "Pretrains an image encoder with MoCo v3 (Chen et al. 2021), without labels."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::moco_v3<Images, Encoder, pretext::moco_v3_head<4 * Width, 256>,
                                  pretext::byol_head<4 * Width, 256, pretext::bias::no>>;
  static void configure(auto& method, const auto& options, const recipe&) {
    method.loss.temperature = options.temperature;
  }
};

struct moco_v3 : view_method<moco_v3_definition> {};

}  // namespace programs
