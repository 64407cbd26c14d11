#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/kernels/convolution.hpp>
#include <pretext/kernels/cuda/lanes.hpp>

// Images and results as the matrices that a convolution multiplies (tiled_product.hpp says what an operand
// is).
namespace pretext::grid {

/// Which tap of a kernel a column stands for, and which channel.
struct tap_channel {
  std::uint32_t i, j, channel;

  PRETEXT_HOST_DEVICE static tap_channel of(const kernels::convolution_extents& e, std::size_t column,
                                            std::size_t channels) {
    const auto at = static_cast<std::uint32_t>(column), all = static_cast<std::uint32_t>(channels),
               across = static_cast<std::uint32_t>(e.columns);
    return {at / all / across, at / all % across, at % all};
  }
};

/// A place of an image: where its sample begins, its row and its column.
struct image_place {
  std::size_t sample;
  std::uint32_t row, column;

  PRETEXT_HOST_DEVICE static image_place of(std::size_t index, std::size_t height, std::size_t width) {
    const std::size_t line = index / width;
    return {line / height, static_cast<std::uint32_t>(line % height),
            static_cast<std::uint32_t>(index % width)};
  }
};

/// The patches that a convolution sees: row (sample, p, q), column (i, j, channel).
template <class T>
struct patch_matrix {
  static constexpr bool along_columns = true;
  kernels::convolution_extents e;
  const T* x;

  PRETEXT_HOST_DEVICE image_place row(std::size_t r) const {
    return image_place::of(r, e.out_height(), e.out_width());
  }
  PRETEXT_HOST_DEVICE tap_channel column(std::size_t c) const { return tap_channel::of(e, c, e.in); }
  PRETEXT_HOST_DEVICE const T* where(const image_place& at, const tap_channel& tap) const {
    // Below zero it wraps to a number beyond any extent.
    const std::size_t h = at.row * e.stride + tap.i - e.padding, w = at.column * e.stride + tap.j - e.padding;
    if (h >= e.height || w >= e.width) return nullptr;
    return x + ((at.sample * e.height + h) * e.width + w) * e.in + tap.channel;
  }
  bool by_lanes() const { return side_by_side<T>(e.in, {x}); }
};

/// The same, turned: what the weights' gradient multiplies from the left.
template <class T>
struct turned_patch_matrix {
  static constexpr bool along_columns = false;
  patch_matrix<T> patches;

  PRETEXT_HOST_DEVICE tap_channel row(std::size_t r) const { return patches.column(r); }
  PRETEXT_HOST_DEVICE image_place column(std::size_t c) const { return patches.row(c); }
  PRETEXT_HOST_DEVICE const T* where(const tap_channel& tap, const image_place& at) const {
    return patches.where(at, tap);
  }
  bool by_lanes() const { return patches.by_lanes(); }
};

/// Which results each pixel took part in: row (sample, h, w), column (i, j, channel of the result).
template <class T>
struct result_matrix {
  static constexpr bool along_columns = true;
  kernels::convolution_extents e;
  const T* dy;

  PRETEXT_HOST_DEVICE image_place row(std::size_t r) const { return image_place::of(r, e.height, e.width); }
  PRETEXT_HOST_DEVICE tap_channel column(std::size_t c) const { return tap_channel::of(e, c, e.out); }
  PRETEXT_HOST_DEVICE const T* where(const image_place& at, const tap_channel& tap) const {
    const std::size_t down = at.row + e.padding - tap.i, right = at.column + e.padding - tap.j;
    const std::size_t p = e.stride == 1 ? down : down / e.stride,
                      q = e.stride == 1 ? right : right / e.stride;
    if (p >= e.out_height() || q >= e.out_width() || p * e.stride != down || q * e.stride != right)
      return nullptr;
    return dy + ((at.sample * e.out_height() + p) * e.out_width() + q) * e.out + tap.channel;
  }
  bool by_lanes() const { return side_by_side<T>(e.out, {dy}); }
};

/// The weights (i, j, in, out) as result_matrix meets them: row (i, j, out), column in.
template <class T>
struct turned_weights {
  static constexpr bool along_columns = false;
  kernels::convolution_extents e;
  const T* w;

  PRETEXT_HOST_DEVICE std::size_t row(std::size_t r) const { return r / e.out * e.in * e.out + r % e.out; }
  PRETEXT_HOST_DEVICE std::size_t column(std::size_t c) const { return c * e.out; }
  PRETEXT_HOST_DEVICE const T* where(std::size_t row, std::size_t column) const { return w + row + column; }
  bool by_lanes() const { return side_by_side<T>(e.out, {w}); }
};

}  // namespace pretext::grid
