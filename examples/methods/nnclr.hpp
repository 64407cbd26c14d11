// pretrain nnclr: NNCLR.
//   pretrain nnclr --data builtin --out out/run
#pragma once
#include <pretext/methods/nnclr.hpp>

#include "support/view_method.hpp"

namespace programs {

struct nnclr_definition {
  static constexpr bool has_target = false;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::simclr;
  struct options {
    double temperature = 0.1;
    std::size_t queue = 4096;

    void add_fields(std::vector<field>& all) {
      all.push_back(
          {"temperature", &temperature, "--temperature", "temperature of the contrast", positive{}});
      all.push_back({"queue", &queue, "--queue", "rows of the queue, about: a multiple of --batch is taken",
                     range{.min = 1}});
    }
  };

  static method_info info() {
    return {.name = "nnclr",
            .title = "NNCLR",
            .paper = "Dwibedi et al. 2021",
            .loss = "contrast of neighbours",
            .description = "Pretrains an image encoder with NNCLR (Dwibedi et al. 2021), without labels."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::nnclr<Images, Encoder, pretext::nnclr_head<4 * Width, 256>,
                                pretext::nnclr_predictor<8 * Width, 256>>;
  static void configure(auto& method, const auto& options, const recipe& config) {
    method.loss = {queue_capacity(options.queue, config), options.temperature};
  }
};

struct nnclr : view_method<nnclr_definition> {};

}  // namespace programs
