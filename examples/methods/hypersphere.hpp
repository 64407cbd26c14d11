// pretrain hypersphere: alignment and uniformity.
//   pretrain hypersphere --data builtin --out out/run
#pragma once
#include <pretext/methods/hypersphere.hpp>

#include "support/view_method.hpp"

namespace programs {

struct hypersphere_definition {
  static constexpr bool has_target = false;
  static constexpr pretext::lars_variant lars = pretext::lars_variant::simclr;
  struct options {
    double uniformity = 1;

    void add_fields(std::vector<field>& all) {
      all.push_back({"uniformity", &uniformity, "--uniformity", "weight of the uniformity", non_negative{}});
    }
  };

  static method_info info() {
    return {
        .name = "hypersphere",
        .title = "alignment and uniformity",
        .paper = "Wang & Isola 2020",
        .loss = "alignment and uniformity",
        .description =
            "Pretrains an image encoder with alignment and uniformity (Wang & Isola 2020), without labels."};
  }

  template <class Images, class Encoder, std::size_t Width>
  using method =
      pretext::hypersphere<Images, Encoder,
                           pretext::simclr_head<Width, 128, pretext::affine::scale, pretext::torch_init>>;
  static void configure(auto& method, const auto& options, const recipe&) {
    method.loss.uniformity = options.uniformity;
  }
};

struct hypersphere : view_method<hypersphere_definition> {};

}  // namespace programs
