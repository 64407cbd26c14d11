#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/kernels/gpu/convolution/patch_operands.hpp>

// A convolution of stride s and its gradient to the data: pixels whose rows, and whose columns, leave one
// remainder by s took part in results through the same taps, every s-th, and no other pixels did. So each
// such set of pixels has a product of its own, with none of the zeros that all taps would multiply.
namespace pretext::grid {

/// One axis of such a set: its pixels first, first + s, …, their taps tap, tap + s, …. Pixel number a took
/// part through tap number t in the result a + shift - t.
struct residue {
  std::uint32_t first, pixels, tap, taps, shift;

  static constexpr residue of(std::size_t first, std::size_t extent, std::size_t kernel, std::size_t stride,
                              std::size_t padding) {
    const auto narrow = [](std::size_t x) { return static_cast<std::uint32_t>(x); };
    const std::size_t tap = (first + padding) % stride;
    return {narrow(first), narrow(first < extent ? ceil_div(extent - first, stride) : 0), narrow(tap),
            narrow(tap < kernel ? ceil_div(kernel - tap, stride) : 0), narrow((first + padding) / stride)};
  }
};

/// The pixels of all images with the same remainders down and to the right.
struct residue_class {
  kernels::convolution_extents e;
  residue down, right;

  constexpr residue_class(const kernels::convolution_extents& extents, std::size_t row, std::size_t column)
      : e{extents},
        down{residue::of(row, e.height, e.rows, e.stride, e.padding)},
        right{residue::of(column, e.width, e.columns, e.stride, e.padding)} {}
  constexpr std::size_t pixels() const { return std::size_t{down.pixels} * right.pixels; }
  constexpr std::size_t taps() const { return std::size_t{down.taps} * right.taps; }
};

/// Which results each of these pixels took part in: row (sample, pixel), column (tap, channel of the result).
template <class T>
struct result_matrix {
  static constexpr bool along_columns = true;
  residue_class of;
  const T* dy;
  std::uint32_t height = static_cast<std::uint32_t>(of.e.out_height()),
                width = static_cast<std::uint32_t>(of.e.out_width());
  image_rows pixels{divisor{of.down.pixels}, divisor{of.right.pixels}};
  tap_columns taps{divisor{of.e.out}, divisor{of.right.taps}};

  PRETEXT_HOST_DEVICE image_place row(std::size_t r) const { return pixels.of(r); }
  PRETEXT_HOST_DEVICE tap_channel column(std::size_t c) const { return taps.of(c); }
  PRETEXT_HOST_DEVICE const T* where(const image_place& at, const tap_channel& tap) const {
    // Below zero it wraps to a number beyond any extent.
    const std::uint32_t p = at.row + of.down.shift - tap.i, q = at.column + of.right.shift - tap.j;
    if (p >= height || q >= width) return nullptr;
    return dy + ((std::size_t{at.sample} * height + p) * width + q) * of.e.out + tap.channel;
  }
  bool by_lanes() const { return is_vectorizable<T>(of.e.out, {dy}); }
};

/// The weights (i, j, in, out) as result_matrix meets them: row (tap, out), column in.
template <class T>
struct turned_weights {
  static constexpr bool along_columns = false;
  residue_class of;
  const T* w;
  tap_columns taps{divisor{of.e.out}, divisor{of.right.taps}};

  PRETEXT_HOST_DEVICE std::size_t row(std::size_t r) const {
    const tap_channel at = taps.of(r);
    const std::size_t i = of.down.tap + at.i * of.e.stride, j = of.right.tap + at.j * of.e.stride;
    return (i * of.e.columns + j) * of.e.in * of.e.out + at.channel;
  }
  PRETEXT_HOST_DEVICE std::size_t column(std::size_t c) const { return c * of.e.out; }
  PRETEXT_HOST_DEVICE const T* where(std::size_t row, std::size_t column) const { return w + row + column; }
  bool by_lanes() const { return is_vectorizable<T>(of.e.out, {w}); }
};

/// Where the product's rows belong: to the pixels, between those of other remainders.
template <class T>
struct residue_pixels {
  residue_class of;
  T* dx;
  image_rows pixels{divisor{of.down.pixels}, divisor{of.right.pixels}};
  divisor channels{of.e.in};

  PRETEXT_HOST_DEVICE T* operator()(std::size_t row, std::size_t column) const {
    if (of.e.stride == 1) return dx + row * of.e.in + column;
    const image_place at = pixels.of(row);
    const std::size_t h = of.down.first + at.row * of.e.stride, w = of.right.first + at.column * of.e.stride;
    return dx + ((at.sample * of.e.height + h) * of.e.width + w) * of.e.in + column;
  }
  PRETEXT_HOST_DEVICE T* at(std::size_t i) const {
    const auto number = static_cast<std::uint32_t>(i);
    const std::uint32_t row = channels.quotient(number);
    return (*this)(row, number - row * channels.value());
  }
  bool by_lanes() const { return is_vectorizable<T>(of.e.in, {dx}); }
};

}  // namespace pretext::grid
