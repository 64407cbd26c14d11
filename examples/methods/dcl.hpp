// pretrain dcl: DCL.
//   pretrain dcl --data builtin --out out/run
#pragma once
#include <pretext/methods/dcl.hpp>

#include "support/view_method.hpp"

namespace programs {

struct dcl_definition {
  static constexpr bool has_target = false;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::simclr;
  struct options {
    double temperature = 0.1;
    double sigma = 0;

    void add_fields(std::vector<field>& all) {
      all.push_back(
          {"temperature", &temperature, "--temperature", "temperature of the contrast", positive{}});
      all.push_back(
          {"sigma", &sigma, "--sigma", "width of DCLW's weights of the positives; 0: none", non_negative{}});
    }
  };

  static method_info info() {
    return {.name = "dcl",
            .title = "DCL",
            .paper = "Yeh et al. 2022",
            .loss = "decoupled contrastive",
            .description = "Pretrains an image encoder with DCL (Yeh et al. 2022), without labels."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method = pretext::dcl<Images, Encoder,
                              pretext::simclr_head<Width, 128, pretext::affine::scale, pretext::torch_init>>;
  static void configure(auto& method, const auto& options, const recipe&) {
    method.loss = {options.temperature, options.sigma};
  }
};

struct dcl : view_method<dcl_definition> {};

}  // namespace programs
