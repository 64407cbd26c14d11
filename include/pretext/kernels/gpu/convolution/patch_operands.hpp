// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/divisor.hpp>
#include <pretext/kernels/convolution.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>

// Images and outputs as the operands of implicit GEMM (tiled_product.hpp describes operands). Row and
// column indices have 32 bits, because `divisor` divides 32-bit integers.
namespace pretext::inline v0_1::grid {

/// A kernel tap (i, j) and an input channel.
struct tap_channel {
  std::uint32_t i, j, channel;
};

/// Decodes column indices (i, j, channel); `across` is the number of taps in a kernel row.
struct tap_columns {
  divisor channels, across;

  PRETEXT_HOST_DEVICE tap_channel of(std::size_t column) const {
    const auto at = static_cast<std::uint32_t>(column);
    const std::uint32_t tap = channels.quotient(at), i = across.quotient(tap);
    return {i, tap - i * across.value(), at - tap * channels.value()};
  }
};

/// A pixel: its sample, row and column.
struct pixel_position {
  std::uint32_t sample, row, column;
};

/// Decodes row indices (sample, row, column) of images of one size.
struct image_rows {
  divisor height, width;

  PRETEXT_HOST_DEVICE pixel_position of(std::size_t index) const {
    const auto at = static_cast<std::uint32_t>(index);
    const std::uint32_t line = width.quotient(at), sample = height.quotient(line);
    return {sample, line - sample * height.value(), at - line * width.value()};
  }
};

/// The im2col matrix, computed on the fly: row (sample, p, q), column (i, j, channel).
template <class T>
struct patch_matrix {
  static constexpr bool along_columns = true;
  kernels::convolution_extents e;
  const T* x;
  image_rows positions{divisor{e.out_height()}, divisor{e.out_width()}};
  tap_columns taps{divisor{e.in}, divisor{e.columns}};

  PRETEXT_HOST_DEVICE pixel_position row(std::size_t r) const { return positions.of(r); }
  PRETEXT_HOST_DEVICE tap_channel column(std::size_t c) const { return taps.of(c); }
  PRETEXT_HOST_DEVICE const T* where(const pixel_position& at, const tap_channel& tap) const {
    // negative values wrap around to values beyond any extent
    const std::size_t h = at.row * e.stride + tap.i - e.padding, w = at.column * e.stride + tap.j - e.padding;
    if (h >= e.height || w >= e.width) return nullptr;
    return x + ((at.sample * e.height + h) * e.width + w) * e.in + tap.channel;
  }
  bool vectorizable() const { return is_vectorizable<T>(e.in, {x}); }
};

/// The transpose of patch_matrix: the left operand of the weight gradient.
template <class T>
struct transposed_patch_matrix {
  static constexpr bool along_columns = false, needs_many_registers = true;
  patch_matrix<T> patches;

  PRETEXT_HOST_DEVICE tap_channel row(std::size_t r) const { return patches.column(r); }
  PRETEXT_HOST_DEVICE pixel_position column(std::size_t c) const { return patches.row(c); }
  PRETEXT_HOST_DEVICE const T* where(const tap_channel& tap, const pixel_position& at) const {
    return patches.where(at, tap);
  }
  bool vectorizable() const { return patches.vectorizable(); }
};

}  // namespace pretext::inline v0_1::grid
