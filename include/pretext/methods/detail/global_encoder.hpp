// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/encoders/masked/masked_feature.hpp>
#include <pretext/masking/concepts.hpp>
#include <pretext/methods/policies.hpp>

namespace pretext::inline v0_1::detail {

/// The online encoder of a joint embedding as it runs on global views: on those patches that a rule leaves
/// visible.
template <class Images, class Encoder, class Rule>
struct global_encoder {
  using grid = patch_grid<Images, Encoder::patch>;
  using masks = masks_of<Rule, grid>;
  using network = masked_feature<Encoder, masks>;
  template <class Context>
  using cache = typename network::template cache<Context>;

  template <class Context>
  static masks draw(Context& context, const Rule& rule, std::size_t views) {
    return rule.template draw<grid>(context, views);
  }
  template <class Context>
  static void forward(Context& context, weights<Context> w, const masks& drawn, reads<Context, Images> x,
                      writes<Context, output_of<Encoder, Images>> y, cache<Context>& cache) {
    network::forward(context, w, drawn, x, y, cache);
  }
  template <class Context>
  static void backward(Context& context, weights<Context> w, const masks& drawn, cache<Context>& cache,
                       reads<Context, output_of<Encoder, Images>> dy) {
    network::backward(context, w, drawn, cache, dy);
  }
};

/// Without a masking rule it is the encoder.
template <class Images, class Encoder>
struct global_encoder<Images, Encoder, no_masking> {
  struct masks {};
  template <class Context>
  using cache = cache_of<Encoder, Images, Context>;

  template <class Context>
  static masks draw(Context&, no_masking, std::size_t) {
    return {};
  }
  template <class Context>
  static void forward(Context& context, weights<Context> w, masks, reads<Context, Images> x,
                      writes<Context, output_of<Encoder, Images>> y, cache<Context>& cache) {
    Encoder::forward(context, w, x, y, cache);
  }
  template <class Context>
  static void backward(Context& context, weights<Context> w, masks, cache<Context>& cache,
                       reads<Context, output_of<Encoder, Images>> dy) {
    Encoder::backward(context, w, cache, dy, writes<Context, Images>{nullptr, dy.batch});
  }
};

}  // namespace pretext::inline v0_1::detail
