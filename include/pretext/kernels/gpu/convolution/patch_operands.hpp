#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/divisor.hpp>
#include <pretext/kernels/convolution.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>

// Images and results as the matrices that a convolution multiplies (tiled_product.hpp says what an operand
// is). Their rows and columns are counted in 32 bits.
namespace pretext::grid {

/// Which tap of a kernel a column stands for, and which channel.
struct tap_channel {
  std::uint32_t i, j, channel;
};

/// Columns (i, j, channel), so many taps to a line of the kernel.
struct tap_columns {
  divisor channels, across;

  PRETEXT_HOST_DEVICE tap_channel of(std::size_t column) const {
    const auto at = static_cast<std::uint32_t>(column);
    const std::uint32_t tap = channels.quotient(at), i = across.quotient(tap);
    return {i, tap - i * across.value(), at - tap * channels.value()};
  }
};

/// A place of an image: its sample, its row and its column.
struct image_place {
  std::uint32_t sample, row, column;
};

/// Rows (sample, row, column) of images of one size.
struct image_rows {
  divisor height, width;

  PRETEXT_HOST_DEVICE image_place of(std::size_t index) const {
    const auto at = static_cast<std::uint32_t>(index);
    const std::uint32_t line = width.quotient(at), sample = height.quotient(line);
    return {sample, line - sample * height.value(), at - line * width.value()};
  }
};

/// The patches that a convolution sees: row (sample, p, q), column (i, j, channel).
template <class T>
struct patch_matrix {
  static constexpr bool along_columns = true;
  kernels::convolution_extents e;
  const T* x;
  image_rows positions{divisor{e.out_height()}, divisor{e.out_width()}};
  tap_columns taps{divisor{e.in}, divisor{e.columns}};

  PRETEXT_HOST_DEVICE image_place row(std::size_t r) const { return positions.of(r); }
  PRETEXT_HOST_DEVICE tap_channel column(std::size_t c) const { return taps.of(c); }
  PRETEXT_HOST_DEVICE const T* where(const image_place& at, const tap_channel& tap) const {
    // Below zero it wraps to a number beyond any extent.
    const std::size_t h = at.row * e.stride + tap.i - e.padding, w = at.column * e.stride + tap.j - e.padding;
    if (h >= e.height || w >= e.width) return nullptr;
    return x + ((at.sample * e.height + h) * e.width + w) * e.in + tap.channel;
  }
  bool by_lanes() const { return is_vectorizable<T>(e.in, {x}); }
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

}  // namespace pretext::grid
