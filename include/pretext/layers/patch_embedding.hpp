// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/kernels/elementwise.hpp>
#include <pretext/kernels/gemm.hpp>
#include <pretext/kernels/patches.hpp>
#include <pretext/layers/linear.hpp>

namespace pretext::inline v0_1 {

/// MAE's initialisation of the patch embedding: Xavier uniform for the (Width, C·Patch²) matrix, and torch's
/// default of a convolution for the bias.
struct mae_patch_init {
  static constexpr initialiser weight(std::size_t in, std::size_t out) {
    return xavier_uniform::weight(in, out);
  }
  static constexpr initialiser constant(std::size_t in) { return torch_init::constant(in); }
};

/// The linear part of a patch embedding: L patches, (L, Patch²·C), to tokens (L, Width); L is all patches of
/// an image or the visible ones. Pixels of a patch are ordered (row, column, channel). It is no `linear`,
/// because files hold the weight of a convolution, (Width, C, Patch, Patch), which memory stores transposed,
/// as a (Patch²·C, Width) matrix.
template <std::size_t Patch, std::size_t Width, class Init = mae_patch_init>
struct patch_projection {
  template <Shape In>
    requires(In::rank == 2 && channels_of<In> % (Patch * Patch) == 0)
  using output = shape<In::extents[0], Width>;

  template <Shape In>
  static consteval auto parameters() {
    constexpr std::size_t in = channels_of<In>;
    return std::array{parameter{"weight",
                                {Width, in / (Patch * Patch), Patch, Patch},
                                Init::weight(in, Width),
                                parameter_decay::yes,
                                parameter_role::trainable,
                                parameter_layout::convolution},
                      parameter{"bias", {Width}, Init::constant(in), parameter_decay::no}};
  }

  template <Shape In>
  static consteval std::size_t macs() {
    return In::size * Width;
  }

  template <Shape In, class Context>
  struct cache {
    reads<Context, In> x;
  };

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      writes<Context, output<In>> y, cache<In, Context>& cache) {
    infer(context, w, x, y);
    cache.x = x;
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx) {
    using device = typename Context::device;
    constexpr std::size_t in = channels_of<In>;
    const std::size_t rows = dy.size() / Width;
    kernels::gemm<device>::run(context, kernels::op::transposed, kernels::op::none, in, Width, rows,
                               cache.x.data, dy.data, w.gradient, kernels::write_mode::accumulate);
    kernels::channel_bias<device>::sum(context, rows, Width, dy.data, w.at(in * Width).gradient);
    if (dx.data)
      kernels::gemm<device>::run(context, kernels::op::none, kernels::op::transposed, rows, in, Width,
                                 dy.data, w.operands(), dx.data, kernels::write_mode::overwrite);
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x,
                    writes<Context, output<In>> y) {
    using device = typename Context::device;
    using W = typename Context::weight;
    constexpr std::size_t in = channels_of<In>;
    const std::size_t rows = y.size() / Width;
    kernels::gemm<device>::run(context, kernels::op::none, kernels::op::none, rows, Width, in, x.data,
                               w.operands(), y.data, kernels::write_mode::overwrite);
    kernels::channel_bias<device>::add(context, rows, Width, static_cast<const W*>(w.at(in * Width).value),
                                       y.data);
  }
};

/// Cuts an image into square patches and projects each of them: (H, W, C) to tokens (L, Width), L =
/// H·W/Patch², row by row (Dosovitskiy et al. 2021, eq. 1). H and W must be multiples of Patch. Parameter
/// paths are timm's: proj.
template <std::size_t Patch, std::size_t Width, class Init = mae_patch_init>
struct patch_embedding {
  using projection = patch_projection<Patch, Width, Init>;

  template <ImageShape In>
  static constexpr kernels::patch_extents extents{In::extents[0], In::extents[1], In::extents[2], Patch};
  /// The patches of an image, not yet projected.
  template <ImageShape In>
  using rows = shape<extents<In>.patches(), extents<In>.patch_dim()>;

  template <ImageShape In>
    requires(In::extents[0] % Patch == 0 && In::extents[1] % Patch == 0)
  using output = shape<extents<In>.patches(), Width>;

  template <ImageShape In>
  static consteval auto parameters() {
    return prefixed("proj", parameters_of<projection, rows<In>>);
  }

  template <ImageShape In>
  static consteval std::size_t macs() {
    return projection::template macs<rows<In>>();
  }

  template <ImageShape In, class Context>
  struct cache {
    cache_of<projection, rows<In>, Context> projected;
  };

  template <class Context, ImageShape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      writes<Context, output<In>> y, cache<In, Context>& cache) {
    const auto pixels =
        context.activations.template allocate<typename Context::activation, rows<In>>(x.batch);
    gather(context, x, pixels);
    projection::forward(context, w, reads<Context, rows<In>>{pixels}, y, cache.projected);
  }

  template <class Context, ImageShape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto dpixels = context.workspace.template allocate<T, rows<In>>(dx.data ? dy.batch : 0);
    projection::backward(context, w, cache.projected, dy,
                         writes<Context, rows<In>>{dx.data ? dpixels.data : nullptr, dy.batch});
    if (dx.data)
      kernels::patches<typename Context::device>::scatter(context, extents<In>, dy.batch,
                                                          {extents<In>.patches()},
                                                          static_cast<const T*>(dpixels.data), dx.data);
  }

  template <class Context, ImageShape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x,
                    writes<Context, output<In>> y) {
    const arena_scope guard{context.workspace};
    const auto pixels = context.workspace.template allocate<typename Context::activation, rows<In>>(x.batch);
    gather(context, x, pixels);
    projection::infer(context, w, reads<Context, rows<In>>{pixels}, y);
  }

 private:
  template <class Context, ImageShape In>
  static void gather(Context& context, reads<Context, In> x, writes<Context, rows<In>> pixels) {
    kernels::patches<typename Context::device>::gather(context, extents<In>, x.batch, {extents<In>.patches()},
                                                       x.data, pixels.data);
  }
};

}  // namespace pretext::inline v0_1
