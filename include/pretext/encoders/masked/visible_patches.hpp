// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/macs.hpp>
#include <pretext/kernels/patches.hpp>
#include <pretext/masking/masks.hpp>

namespace pretext::inline v0_1 {

/// An encoder's patch embedding on the visible patches alone, whose pixels are gathered and projected;
/// nothing is computed for the masked ones. Images to (visible, D), in the masks' order.
template <class Encoder, class Masks>
struct visible_patches {
  using images = typename Masks::grid::images;
  using projection = typename Encoder::embedding::projection;
  using rows = shape<Masks::visible, Masks::grid::patch_dim>;  ///< the pixels of each
  using output = output_of<projection, rows>;
  static constexpr std::size_t macs = pretext::macs<projection, rows>;

  template <class Context>
  using cache = cache_of<projection, rows, Context>;

  /// `w` is the slice of the whole encoder, here and below.
  template <class Context>
  static void forward(Context& context, weights<Context> w, const Masks& masks, reads<Context, images> x,
                      writes<Context, output> y, cache<Context>& cache) {
    const auto pixels = context.activations.template allocate<typename Context::activation, rows>(x.batch);
    gather(context, masks, x, pixels);
    projection::forward(context, w.at(embedding_offset), reads<Context, rows>{pixels}, y, cache);
  }

  template <class Context>
  static void backward(Context& context, weights<Context> w, cache<Context>& cache,
                       reads<Context, output> dy) {
    projection::backward(context, w.at(embedding_offset), cache, dy,
                         writes<Context, rows>{nullptr, dy.batch});
  }

  template <class Context>
  static void infer(Context& context, weights<Context> w, const Masks& masks, reads<Context, images> x,
                    writes<Context, output> y) {
    const arena_scope guard{context.workspace};
    const auto pixels = context.workspace.template allocate<typename Context::activation, rows>(x.batch);
    gather(context, masks, x, pixels);
    projection::infer(context, w.at(embedding_offset), reads<Context, rows>{pixels}, y);
  }

 private:
  static constexpr std::size_t embedding_offset = Encoder::template embedding_at<images>;

  template <class Context>
  static void gather(Context& context, const Masks& masks, reads<Context, images> x,
                     writes<Context, rows> pixels) {
    kernels::patches<typename Context::device>::gather(context, Masks::grid::extents, x.batch,
                                                       masks.visible_patches(), x.data, pixels.data);
  }
};

}  // namespace pretext::inline v0_1
