#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/kernels/elementwise.hpp>
#include <pretext/kernels/gemm.hpp>
#include <pretext/kernels/patches.hpp>
#include <pretext/layers/linear.hpp>

namespace pretext {

/// How MAE's patch embedding starts: Glorot & Bengio's uniform of the (Width, C·Patch²) matrix, the constant
/// as torch's convolution leaves it.
struct xavier_patches {
  static constexpr initialiser weight(std::size_t in, std::size_t out) {
    return xavier_uniform::weight(in, out);
  }
  static constexpr initialiser constant(std::size_t in) { return torch_init::constant(in); }
};

/// The linear part of a patch embedding: rows of patches in the order (row, column, channel), (L, Patch²·C),
/// to tokens (L, Width), L being all patches of an image or the visible ones. The weight is that of a
/// convolution, (Width, C, Patch, Patch).
template <std::size_t Patch, std::size_t Width, class Init = xavier_patches>
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
/// H·W/Patch², row by row (Dosovitskiy et al. 2021, eq. 1). Paths are timm's: proj.
template <std::size_t Patch, std::size_t Width, class Init = xavier_patches>
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
    auto table = parameters_of<projection, rows<In>>;
    for (auto& p : table) p = p.under("proj", 0);
    return concatenate(table);
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
    const auto cut = context.activations.template allocate<typename Context::activation, rows<In>>(x.batch);
    gather(context, x, cut);
    projection::forward(context, w, reads<Context, rows<In>>{cut}, y, cache.projected);
  }

  template <class Context, ImageShape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto dcut = context.workspace.template allocate<T, rows<In>>(dx.data ? dy.batch : 0);
    projection::backward(context, w, cache.projected, dy,
                         writes<Context, rows<In>>{dx.data ? dcut.data : nullptr, dy.batch});
    if (dx.data)
      kernels::patches<typename Context::device>::scatter(
          context, extents<In>, dy.batch, {extents<In>.patches()}, static_cast<const T*>(dcut.data), dx.data);
  }

  template <class Context, ImageShape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x,
                    writes<Context, output<In>> y) {
    const arena_scope guard{context.workspace};
    const auto cut = context.workspace.template allocate<typename Context::activation, rows<In>>(x.batch);
    gather(context, x, cut);
    projection::infer(context, w, reads<Context, rows<In>>{cut}, y);
  }

 private:
  template <class Context, ImageShape In>
  static void gather(Context& context, reads<Context, In> x, writes<Context, rows<In>> cut) {
    kernels::patches<typename Context::device>::gather(context, extents<In>, x.batch, {extents<In>.patches()},
                                                       x.data, cut.data);
  }
};

}  // namespace pretext
