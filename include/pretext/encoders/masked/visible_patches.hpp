#pragma once
#include <pretext/core/macs.hpp>
#include <pretext/kernels/patches.hpp>
#include <pretext/masking/masks.hpp>

namespace pretext {

/// An encoder's patch embedding on the visible patches alone: their pixels are gathered and projected,
/// nothing is computed for hidden ones. Images to (visible, D), in the masks' order.
template <class Encoder, class Masks>
struct visible_patches {
  using images = typename Masks::grid::images;
  using projection = typename Encoder::embedding::projection;
  using rows = shape<Masks::visible, Masks::grid::patch_dim>;  ///< the pixels
  using output = output_of<projection, rows>;
  static constexpr std::size_t macs = pretext::macs<projection, rows>;

  template <class Context>
  using cache = cache_of<projection, rows, Context>;

  /// `w` is the whole encoder's, here and below.
  template <class Context>
  static void forward(Context& context, weights<Context> w, const Masks& masks, reads<Context, images> x,
                      writes<Context, output> y, cache<Context>& cache) {
    const auto cut = context.activations.template allocate<typename Context::activation, rows>(x.batch);
    gather(context, masks, x, cut);
    projection::forward(context, w.at(begin), reads<Context, rows>{cut}, y, cache);
  }

  template <class Context>
  static void backward(Context& context, weights<Context> w, cache<Context>& cache,
                       reads<Context, output> dy) {
    projection::backward(context, w.at(begin), cache, dy, writes<Context, rows>{nullptr, dy.batch});
  }

  template <class Context>
  static void infer(Context& context, weights<Context> w, const Masks& masks, reads<Context, images> x,
                    writes<Context, output> y) {
    const arena_scope guard{context.workspace};
    const auto cut = context.workspace.template allocate<typename Context::activation, rows>(x.batch);
    gather(context, masks, x, cut);
    projection::infer(context, w.at(begin), reads<Context, rows>{cut}, y);
  }

 private:
  static constexpr std::size_t begin = Encoder::template embedding_at<images>;

  template <class Context>
  static void gather(Context& context, const Masks& masks, reads<Context, images> x,
                     writes<Context, rows> cut) {
    kernels::patches<typename Context::device>::gather(context, Masks::grid::extents, x.batch,
                                                       masks.visible_patches(), x.data, cut.data);
  }
};

}  // namespace pretext
