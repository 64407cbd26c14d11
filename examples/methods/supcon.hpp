// pretrain supcon: supervised contrastive learning, of images with labels.
//   pretrain supcon --data builtin --out out/run
#pragma once
#include <pretext/methods/supcon.hpp>

#include "support/view_method.hpp"

namespace programs {

struct supcon_definition {
  static constexpr bool has_target = false, learns_labels = true;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::simclr;
  struct options {
    double temperature = 0.1;

    void add_fields(std::vector<field>& all) {
      all.push_back({"temperature", &temperature, "--temperature", "temperature of the loss", positive{}});
    }
  };

  static method_info info() {
    return {.name = "supcon",
            .title = "SupCon",
            .paper = "Khosla et al. 2020",
            .loss = "supervised contrast",
            .description =
                "Pretrains an image encoder with SupCon (Khosla et al. 2020), whose images have "
                "labels.",
            .learns_labels = learns_labels};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::supcon<Images, Encoder, pretext::moco_v2_head<Width, 128>>;
  static void configure(auto& method, const auto& options, const recipe&) {
    method.loss.temperature = options.temperature;
  }
};

struct supcon : view_method<supcon_definition> {};

}  // namespace programs
