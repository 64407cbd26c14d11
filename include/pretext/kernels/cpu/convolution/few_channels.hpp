// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/convolution.hpp>
#include <pretext/kernels/cpu/batch_norm/blocked_moments.hpp>
#include <pretext/kernels/cpu/convolution/epilogue.hpp>
#include <pretext/kernels/cpu/gemm/packed_product.hpp>
#include <pretext/kernels/cpu/gemm/tile.hpp>

// Convolutions of colour images. A tap of three values is too short to be gathered by itself, but a whole row
// of the kernel covers adjacent values. So each thread copies the few lines that it needs next, with their
// padding, and register tiles read from the copy. Operands stay in full precision: as bfloat16 pairs, rows of
// odd length would need another copy.
namespace pretext::inline v0_1::kernels::detail {

/// The largest number of kernel rows.
inline constexpr std::size_t max_kernel_rows = 8;

/// Whether this algorithm is used. Measured speed-up over explicit patches, forward and for the weights'
/// gradient, two threads of a Zen 5: three channels, 3x3 at 32x32, 1.5 and 2.0; 7x7 of stride 2, 1.35
/// and 1.3.
inline bool has_few_channels(const convolution_extents& e) {
  return e.in <= 4 && e.taps() > 1 && e.rows <= max_kernel_rows;
}

/// Lines of the result that are computed from one copy: with most widths their pixels are a multiple of a
/// tile's rows.
inline constexpr std::size_t band_lines = 3;

/// Pixels of a band in one product of the weights' gradient: they fit the L1 cache.
inline constexpr std::size_t band_run = 192;

/// The padded lines of an image that one band of result lines is computed from.
template <class T>
class padded_band {
 public:
  static std::size_t size(const convolution_extents& e) {
    return ((band_lines - 1) * e.stride + e.rows) * (e.width + 2 * e.padding) * e.in;
  }
  static std::size_t bands(const convolution_extents& e, std::size_t batch) {
    return batch * bands_per_image(e);
  }

  padded_band(const convolution_extents& e, T* memory) : e_{e}, data_{memory} {}

  /// Copies the lines of x that a band reads.
  void load(std::size_t band, const T* x) {
    const std::size_t sample = band / bands_per_image(e_), top = band % bands_per_image(e_) * band_lines;
    lines_ = std::min(band_lines, e_.out_height() - top);
    first_ = (sample * e_.out_height() + top) * e_.out_width();
    const std::size_t line = e_.width * e_.in, margin = e_.padding * e_.in;
    T* to = data_;
    for (std::size_t i = 0; i < (lines_ - 1) * e_.stride + e_.rows; ++i, to += length()) {
      const std::size_t row = top * e_.stride + i - e_.padding;  // rows above the image wrapped to huge ones
      if (row >= e_.height) {
        std::fill_n(to, length(), T{0});
        continue;
      }
      std::fill_n(to, margin, T{0});
      std::copy_n(x + (sample * e_.height + row) * line, line, to + margin);
      std::fill_n(to + margin + line, margin, T{0});
    }
  }

  /// Pixels of the band, and the index of the first in the batch's result.
  std::size_t pixels() const { return lines_ * e_.out_width(); }
  std::size_t first() const { return first_; }
  /// Elements in a line of the copy.
  std::size_t length() const { return (e_.width + 2 * e_.padding) * e_.in; }
  /// The values under the kernel's first row at a pixel of the band; the next row's are `length()` further.
  const T* patch(std::size_t pixel) const {
    const std::size_t a = pixel / e_.out_width(), b = pixel % e_.out_width();
    return data_ + (a * length() + b * e_.in) * e_.stride;
  }

 private:
  static std::size_t bands_per_image(const convolution_extents& e) {
    return (e.out_height() + band_lines - 1) / band_lines;
  }

  convolution_extents e_;
  T* data_;
  std::size_t lines_ = 0, first_ = 0;
};

/// y = x * w.
template <class Context, class T>
void few_channels_forward(Context& context, const convolution_extents& e, std::size_t batch, const T* x,
                          const T* w, T* y, const channel_moments* requested,
                          const convolution_epilogue<T>* finish) {
  const arena_scope guard{context.workspace};
  const std::size_t bands = padded_band<T>::bands(e, batch);
  const blocked_moments<T> moments{context, requested, e.out, bands, 1};
  const applied_epilogue<T> epilogue{finish, y, e.out};
  const std::size_t across = e.columns * e.in, depth = e.rows * across;
  const std::size_t width = panel_width<T>(), height = tile_rows(), size = padded_band<T>::size(e);
  T* packed = context.workspace.template allocate<T>(whole_panels<T>(e.out) * depth);
  pack_operand(w, depth, e.out, e.out, packed);
  T* copies = context.workspace.template allocate<T>(context.stream.threads() * size);
  context.stream.for_each_block(bands, [&](std::size_t band, std::size_t thread) {
    padded_band<T> lines{e, copies + thread * size};
    lines.load(band, x);
    for (std::size_t row = 0; row < lines.pixels(); row += height) {
      const std::size_t used = std::min(height, lines.pixels() - row);
      const T *a[max_kernel_rows * max_tile_rows], *b[max_kernel_rows];
      T* c[max_tile_rows];
      for (std::size_t r = 0; r < height; ++r) {
        const std::size_t pixel = row + std::min(r, used - 1);
        const T* const patch = lines.patch(pixel);
        for (std::size_t i = 0; i < e.rows; ++i) a[i * height + r] = patch + i * lines.length();
        c[r] = y + (lines.first() + pixel) * e.out;
      }
      for (std::size_t column = 0; column < e.out; column += width) {
        for (std::size_t i = 0; i < e.rows; ++i) b[i] = packed + column * depth + i * across * width;
        run_tile(gathered_product<T>{a, b, e.rows, across, c, used, std::min(width, e.out - column), false});
        for (std::size_t r = 0; r < height; ++r) c[r] += width;
      }
    }
    moments.for_each_part(band, band + 1, [&](std::size_t, std::size_t, const partial_moments<T>& part) {
      if (part) part.compute(y + lines.first() * e.out, e.out, lines.pixels(), 0, e.out);
    });
    epilogue.apply_rows(lines.first(), lines.first() + lines.pixels(), 0, e.out);
  });
  moments.combine(context.stream);
}

/// dw += xᵀ·dy. The bands are divided into parts, whose count depends on the extents alone, and the parts'
/// sums are added in order.
template <class Context, class T>
void few_channels_backward_weights(Context& context, const convolution_extents& e, std::size_t batch,
                                   const T* x, const T* dy, T* dw) {
  constexpr std::size_t target_parts = 16;
  const arena_scope guard{context.workspace};
  const std::size_t across = e.columns * e.in, bands = padded_band<T>::bands(e, batch);
  const std::size_t length = (bands + target_parts - 1) / target_parts, parts = (bands + length - 1) / length;
  const std::size_t width = panel_width<T>(), height = tile_rows();
  const std::size_t size = padded_band<T>::size(e), dy_size = band_run * whole_panels<T>(e.out);
  T* const partial = context.workspace.template allocate<T>(parts * e.weights());
  T* const copies = context.workspace.template allocate<T>(context.stream.threads() * (size + dy_size));
  context.stream.for_each_block(parts, [&](std::size_t part, std::size_t thread) {
    T* const buffer = copies + thread * (size + dy_size);
    T* const sums = partial + part * e.weights();
    padded_band<T> lines{e, buffer};
    std::fill_n(sums, e.weights(), T{0});
    for (std::size_t band = part * length; band < std::min(bands, (part + 1) * length); ++band) {
      lines.load(band, x);
      for (std::size_t first = 0; first < lines.pixels(); first += band_run) {
        const std::size_t count = std::min(band_run, lines.pixels() - first);
        const T* patches[band_run];
        for (std::size_t i = 0; i < count; ++i) patches[i] = lines.patch(first + i);
        const row_operand<T> b{dy + (lines.first() + first) * e.out, count, e.out, e.out, buffer + size};
        for (std::size_t i = 0; i < e.rows; ++i)
          for (std::size_t row = 0; row < across; row += height)
            for (std::size_t column = 0; column < e.out; column += width)
              run_tile(
                  outer_product<T>{patches, i * lines.length() + row, b.first + column / width * b.panel_step,
                                   b.row_step, count, sums + (i * across + row) * e.out + column, e.out,
                                   std::min(height, across - row), std::min(width, e.out - column), true});
      }
    }
  });
  for (std::size_t part = 0; part < parts; ++part)
    for (std::size_t i = 0; i < e.weights(); ++i) dw[i] += partial[part * e.weights() + i];
}

}  // namespace pretext::inline v0_1::kernels::detail
