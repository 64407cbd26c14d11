// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/kernels/gpu/convolution/patch_operands.hpp>

// The data gradient of a convolution with stride s, split into s×s phases. Pixels whose row and column have
// the same remainders modulo s were read through the same taps, every s-th one. So each phase is a product
// of its own, without the zeros that a product over all taps would multiply.
namespace pretext::inline v0_1::grid {

/// One axis of a phase: pixels first, first + s, …, and taps tap, tap + s, …. Pixel a contributed through
/// tap t to the output a + shift - t.
struct phase_axis {
  std::uint32_t first, pixels, tap, taps, shift;

  static constexpr phase_axis of(std::size_t first, std::size_t extent, std::size_t kernel,
                                 std::size_t stride, std::size_t padding) {
    const auto narrow = [](std::size_t x) { return static_cast<std::uint32_t>(x); };
    const std::size_t tap = (first + padding) % stride;
    return {narrow(first), narrow(first < extent ? ceil_div(extent - first, stride) : 0), narrow(tap),
            narrow(tap < kernel ? ceil_div(kernel - tap, stride) : 0), narrow((first + padding) / stride)};
  }
};

/// The pixels of all images that have the same remainders in rows and columns.
struct stride_phase {
  kernels::convolution_extents e;
  phase_axis down, right;

  constexpr stride_phase(const kernels::convolution_extents& extents, std::size_t row, std::size_t column)
      : e{extents},
        down{phase_axis::of(row, e.height, e.rows, e.stride, e.padding)},
        right{phase_axis::of(column, e.width, e.columns, e.stride, e.padding)} {}
  constexpr std::size_t pixels() const { return std::size_t{down.pixels} * right.pixels; }
  constexpr std::size_t taps() const { return std::size_t{down.taps} * right.taps; }
};

/// The outputs to which a phase's pixels contributed: row (sample, pixel), column (tap, output channel).
template <class T>
struct phase_outputs {
  static constexpr bool along_columns = true;
  stride_phase phase;
  const T* dy;
  std::uint32_t height = static_cast<std::uint32_t>(phase.e.out_height()),
                width = static_cast<std::uint32_t>(phase.e.out_width());
  image_rows pixels{divisor{phase.down.pixels}, divisor{phase.right.pixels}};
  tap_columns taps{divisor{phase.e.out}, divisor{phase.right.taps}};

  PRETEXT_HOST_DEVICE pixel_position row(std::size_t r) const { return pixels.of(r); }
  PRETEXT_HOST_DEVICE tap_channel column(std::size_t c) const { return taps.of(c); }
  PRETEXT_HOST_DEVICE const T* where(const pixel_position& at, const tap_channel& tap) const {
    // negative values wrap around to values beyond any extent
    const std::uint32_t p = at.row + phase.down.shift - tap.i, q = at.column + phase.right.shift - tap.j;
    if (p >= height || q >= width) return nullptr;
    return dy + ((std::size_t{at.sample} * height + p) * width + q) * phase.e.out + tap.channel;
  }
  bool vectorizable() const { return is_vectorizable<T>(phase.e.out, {dy}); }
};

/// The weights (i, j, in, out) that match phase_outputs: row (tap, out), column in.
template <class T>
struct transposed_weights {
  static constexpr bool along_columns = false;
  stride_phase phase;
  const T* w;
  tap_columns taps{divisor{phase.e.out}, divisor{phase.right.taps}};

  PRETEXT_HOST_DEVICE std::size_t row(std::size_t r) const {
    const tap_channel at = taps.of(r);
    const std::size_t i = phase.down.tap + at.i * phase.e.stride, j = phase.right.tap + at.j * phase.e.stride;
    return (i * phase.e.columns + j) * phase.e.in * phase.e.out + at.channel;
  }
  PRETEXT_HOST_DEVICE std::size_t column(std::size_t c) const { return c * phase.e.out; }
  PRETEXT_HOST_DEVICE const T* where(std::size_t row, std::size_t column) const { return w + row + column; }
  bool vectorizable() const { return is_vectorizable<T>(phase.e.out, {w}); }
};

/// The result of a phase's product: its pixels, interleaved in the image with those of the other phases.
template <class T>
struct phase_pixels {
  stride_phase phase;
  T* dx;
  image_rows pixels{divisor{phase.down.pixels}, divisor{phase.right.pixels}};
  divisor channels{phase.e.in};

  PRETEXT_HOST_DEVICE T* operator()(std::size_t row, std::size_t column) const {
    if (phase.e.stride == 1) return dx + row * phase.e.in + column;
    const pixel_position at = pixels.of(row);
    const std::size_t h = phase.down.first + at.row * phase.e.stride,
                      w = phase.right.first + at.column * phase.e.stride;
    return dx + ((at.sample * phase.e.height + h) * phase.e.width + w) * phase.e.in + column;
  }
  PRETEXT_HOST_DEVICE T* at(std::size_t i) const {
    const auto index = static_cast<std::uint32_t>(i);
    const std::uint32_t row = channels.quotient(index);
    return (*this)(row, index - row * channels.value());
  }
  bool vectorizable() const { return is_vectorizable<T>(phase.e.in, {dx}); }
};

}  // namespace pretext::inline v0_1::grid
