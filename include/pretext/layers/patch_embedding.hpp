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
  static constexpr initialiser constant(std::size_t in) { return torch_default::constant(in); }
};

/// The linear part of a patch embedding: rows of patches in the order (row, column, channel), (L, Patch²·C),
/// to tokens (L, Width), L being all patches of an image or the visible ones. The weight is that of a
/// convolution, (Width, C, Patch, Patch).
template <std::size_t Patch, std::size_t Width, class Start = xavier_patches>
struct patch_projection {
  template <Shape In>
    requires(In::rank == 2 && channels_of<In> % (Patch * Patch) == 0)
  using output = shape<In::extents[0], Width>;

  template <Shape In>
  static consteval auto parameters() {
    constexpr std::size_t in = channels_of<In>;
    return std::array{parameter{"weight",
                                {Width, in / (Patch * Patch), Patch, Patch},
                                Start::weight(in, Width),
                                decay::yes,
                                role::weight,
                                layout::convolution},
                      parameter{"bias", {Width}, Start::constant(in), decay::no}};
  }

  template <Shape In>
  static consteval std::size_t multiply_adds() {
    return In::size * Width;
  }

  template <Shape In, class Place>
  struct cache {
    reads<Place, In> x;
  };

  template <class Place, Shape In>
  static void forward(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, output<In>> y,
                      cache<In, Place>& kept) {
    infer(place, w, x, y);
    kept.x = x;
  }

  template <class Place, Shape In>
  static void backward(Place& place, weights<Place> w, cache<In, Place>& kept, reads<Place, output<In>> dy,
                       writes<Place, In> dx) {
    using device = typename Place::device;
    constexpr std::size_t in = channels_of<In>;
    const std::size_t rows = dy.size() / Width;
    kernels::gemm<device>::run(place, kernels::op::transposed, kernels::op::as_is, in, Width, rows,
                               kept.x.data, dy.data, w.gradient, kernels::into::accumulate);
    kernels::row_bias<device>::sum(place, rows, Width, dy.data, w.at(in * Width).gradient);
    if (dx.data)
      kernels::gemm<device>::run(place, kernels::op::as_is, kernels::op::transposed, rows, in, Width, dy.data,
                                 w.factors(), dx.data, kernels::into::overwrite);
  }

  template <class Place, Shape In>
  static void infer(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, output<In>> y) {
    using device = typename Place::device;
    using W = typename Place::weight;
    constexpr std::size_t in = channels_of<In>;
    const std::size_t rows = y.size() / Width;
    kernels::gemm<device>::run(place, kernels::op::as_is, kernels::op::as_is, rows, Width, in, x.data,
                               w.factors(), y.data, kernels::into::overwrite);
    kernels::row_bias<device>::add(place, rows, Width, static_cast<const W*>(w.at(in * Width).value), y.data);
  }
};

/// Cuts an image into square patches and projects each of them: (H, W, C) to tokens (L, Width), L =
/// H·W/Patch², row by row (Dosovitskiy et al. 2021, eq. 1). Paths are timm's: proj.
template <std::size_t Patch, std::size_t Width, class Start = xavier_patches>
struct patch_embedding {
  using projection = patch_projection<Patch, Width, Start>;

  template <ImageShape In>
  static constexpr kernels::patch_extents extents{In::extents[0], In::extents[1], In::extents[2], Patch};
  /// The patches of an image, not yet projected.
  template <ImageShape In>
  using rows = shape<extents<In>.places(), extents<In>.numbers()>;

  template <ImageShape In>
    requires(In::extents[0] % Patch == 0 && In::extents[1] % Patch == 0)
  using output = shape<extents<In>.places(), Width>;

  template <ImageShape In>
  static consteval auto parameters() {
    auto table = parameters_of<projection, rows<In>>;
    for (auto& p : table) p = p.under("proj", 0);
    return join(table);
  }

  template <ImageShape In>
  static consteval std::size_t multiply_adds() {
    return projection::template multiply_adds<rows<In>>();
  }

  template <ImageShape In, class Place>
  struct cache {
    cache_of<projection, rows<In>, Place> projected;
  };

  template <class Place, ImageShape In>
  static void forward(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, output<In>> y,
                      cache<In, Place>& kept) {
    const auto cut = place.kept.template take<typename Place::activation, rows<In>>(x.batch);
    gather(place, x, cut);
    projection::forward(place, w, reads<Place, rows<In>>{cut}, y, kept.projected);
  }

  template <class Place, ImageShape In>
  static void backward(Place& place, weights<Place> w, cache<In, Place>& kept, reads<Place, output<In>> dy,
                       writes<Place, In> dx) {
    using T = typename Place::activation;
    const borrowed guard{place.scratch};
    const auto dcut = place.scratch.template take<T, rows<In>>(dx.data ? dy.batch : 0);
    projection::backward(place, w, kept.projected, dy,
                         writes<Place, rows<In>>{dx.data ? dcut.data : nullptr, dy.batch});
    if (dx.data)
      kernels::patches<typename Place::device>::scatter(place, extents<In>, dy.batch, {extents<In>.places()},
                                                        static_cast<const T*>(dcut.data), dx.data);
  }

  template <class Place, ImageShape In>
  static void infer(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, output<In>> y) {
    const borrowed guard{place.scratch};
    const auto cut = place.scratch.template take<typename Place::activation, rows<In>>(x.batch);
    gather(place, x, cut);
    projection::infer(place, w, reads<Place, rows<In>>{cut}, y);
  }

 private:
  template <class Place, ImageShape In>
  static void gather(Place& place, reads<Place, In> x, writes<Place, rows<In>> cut) {
    kernels::patches<typename Place::device>::gather(place, extents<In>, x.batch, {extents<In>.places()},
                                                     x.data, cut.data);
  }
};

}  // namespace pretext
