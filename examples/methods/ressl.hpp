// pretrain ressl: ReSSL.
//   pretrain ressl --data builtin --out out/run
#pragma once
#include <pretext/methods/ressl.hpp>

#include "support/view_method.hpp"

namespace programs {

struct ressl_definition {
  static constexpr bool has_target = true;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::simclr;
  struct options {
    double temperature = 0.1;
    double target_temperature = 0.04;
    std::size_t queue = 4096;

    void add_fields(std::vector<field>& all) {
      all.push_back(
          {"temperature", &temperature, "--temperature", "temperature of the online network", positive{}});
      all.push_back({"target_temperature", &target_temperature, "--target-temperature",
                     "temperature of the target", positive{}});
      all.push_back({"queue", &queue, "--queue", "rows of the queue, about: a multiple of --batch is taken",
                     range{.min = 1}});
    }
  };

  static method_info info() {
    return {.name = "ressl",
            .title = "ReSSL",
            .paper = "Zheng et al. 2021",
            .loss = "cross-entropy of relations",
            .description = "Pretrains an image encoder with ReSSL (Zheng et al. 2021), without labels."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::ressl<Images, Encoder, pretext::moco_v2_head<4 * Width, 256>>;
  static void configure(auto& method, const auto& options, const recipe& config) {
    method.loss = {queue_capacity(options.queue, config), options.temperature, options.target_temperature};
  }

  /// The target sees a weakly augmented view: a crop and a flip.
  template <class Images, class Normalisation>
  static auto views(const pretext::view_preset& differ, const Normalisation& normalisation) {
    return pretext::two_views{
        pretext::make_simclr_views<Images>(differ, normalisation).template view<0>(),
        pretext::augmentation{
            pretext::random_resized_crop<pretext::torchvision_crop_box>{.area = {differ.minimum_area, 1}},
            pretext::detail::flip_of(differ), normalisation}};
  }
};

struct ressl : view_method<ressl_definition> {};

}  // namespace programs
