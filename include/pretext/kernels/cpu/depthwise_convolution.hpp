// SPDX-License-Identifier: MIT
#pragma once
// Each tap multiplies a run of adjacent channels, which is one or two vectors. Four adjacent results share
// the loads of the weights; where the kernel crosses the border of the image, taps outside are left out.
#include <algorithm>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/depthwise_convolution.hpp>

namespace pretext::inline v0_1::kernels {

namespace detail {

/// A range of taps or of results.
struct tap_range {
  std::size_t first, end;
};

/// The taps of a result that are within `extent` pixels.
inline tap_range taps_inside(std::size_t result, std::size_t kernel, std::size_t stride, std::size_t padding,
                             std::size_t extent) {
  const std::size_t corner = result * stride;  // plus `padding`, in the padded image
  return {corner < padding ? padding - corner : 0,
          std::min(kernel, extent + padding > corner ? extent + padding - corner : 0)};
}

/// Depthwise convolution with a kernel of K rows and columns.
template <std::size_t K, class T>
struct depthwise {
  static constexpr std::size_t run = 16;     ///< channels
  static constexpr std::size_t abreast = 4;  ///< results
  depthwise_extents e;

  /// One line of results from the lines of its image.
  void line(std::size_t row, const T* image, const T* w, const T* bias, T* y) const {
    for (std::size_t c = 0; c < e.channels; c += run) {
      if (c + run <= e.channels)
        channels<run>(row, run, image + c, w + c, bias ? bias + c : nullptr, y + c);
      else
        channels<0>(row, e.channels - c, image + c, w + c, bias ? bias + c : nullptr, y + c);
    }
  }

  /// The gradient of the weights from one line: added to dw.
  void line_gradient(std::size_t row, const T* image, const T* dy, T* dw) const {
    for (std::size_t c = 0; c < e.channels; c += run) {
      if (c + run <= e.channels)
        gradient<run>(row, run, image + c, dy + c, dw + c);
      else
        gradient<0>(row, e.channels - c, image + c, dy + c, dw + c);
    }
  }

 private:
  /// `Count` channels unless that is 0, then `rest`.
  template <std::size_t Count>
  void channels(std::size_t row, std::size_t rest, const T* x, const T* w, const T* bias, T* y) const {
    const std::size_t width = e.out_width();
    const tap_range rows = taps_inside(row, K, e.stride, e.padding, e.height);
    const auto [first, end] = inner();
    std::size_t column = 0;
    for (; column < first; ++column) results<Count, 1, true>(row, column, rest, rows, x, w, bias, y);
    for (; column + abreast <= end; column += abreast)
      results<Count, abreast, false>(row, column, rest, rows, x, w, bias, y);
    for (; column < width; ++column) results<Count, 1, true>(row, column, rest, rows, x, w, bias, y);
  }

  /// The results whose taps are all within the image's columns.
  tap_range inner() const {
    const std::size_t first = (e.padding + e.stride - 1) / e.stride;
    const std::size_t end = e.width + e.padding >= K ? (e.width + e.padding - K) / e.stride + 1 : 0;
    return {std::min(first, e.out_width()), std::min(end, e.out_width())};
  }

  /// `Results` adjacent results; `AtBorder` if the kernel may cross the border.
  template <std::size_t Count, std::size_t Results, bool AtBorder>
  void results(std::size_t row, std::size_t column, std::size_t rest, tap_range rows, const T* x, const T* w,
               const T* bias, T* y) const {
    const std::size_t count = Count ? Count : rest, C = e.channels;
    const tap_range columns =
        AtBorder ? taps_inside(column, K, e.stride, e.padding, e.width) : tap_range{0, K};
    T sum[Results][run]{};
    for (std::size_t i = rows.first; i < rows.end; ++i) {
      const std::size_t from = (row * e.stride + i - e.padding) * e.width;
      for (std::size_t j = columns.first; j < columns.end; ++j) {
        const T* const at = x + (from + column * e.stride + j - e.padding) * C;
        const T* const tap = w + (i * K + j) * C;
        for (std::size_t r = 0; r < Results; ++r)
          for (std::size_t c = 0; c < count; ++c) sum[r][c] += at[r * e.stride * C + c] * tap[c];
      }
    }
    T* const to = y + (row * e.out_width() + column) * C;
    for (std::size_t r = 0; r < Results; ++r)
      for (std::size_t c = 0; c < count; ++c) to[r * C + c] = bias ? sum[r][c] + bias[c] : sum[r][c];
  }

  template <std::size_t Count>
  void gradient(std::size_t row, std::size_t rest, const T* x, const T* dy, T* dw) const {
    const std::size_t count = Count ? Count : rest, C = e.channels, width = e.out_width();
    const tap_range rows = taps_inside(row, K, e.stride, e.padding, e.height);
    const auto [first, end] = inner();
    for (std::size_t i = rows.first; i < rows.end; ++i) {
      const T* const line = x + (row * e.stride + i - e.padding) * e.width * C;
      T sum[K][run]{};
      const auto add = [&](std::size_t column, tap_range taps) {
        const T* const slope = dy + (row * width + column) * C;
        for (std::size_t j = taps.first; j < taps.end; ++j) {
          const T* const at = line + (column * e.stride + j - e.padding) * C;
          for (std::size_t c = 0; c < count; ++c) sum[j][c] += at[c] * slope[c];
        }
      };
      const auto at_border = [&](std::size_t column) {
        add(column, taps_inside(column, K, e.stride, e.padding, e.width));
      };
      std::size_t column = 0;
      for (; column < std::min(first, width); ++column) at_border(column);
      for (; column < end; ++column) add(column, {0, K});
      for (; column < width; ++column) at_border(column);
      for (std::size_t j = 0; j < K; ++j)
        for (std::size_t c = 0; c < count; ++c) dw[(i * K + j) * C + c] += sum[j][c];
    }
  }
};

/// Calls `work(depthwise<K, T>)` for the kernel of the extents.
template <class T, class Work>
void with_kernel(const depthwise_extents& e, const Work& work) {
  if (e.kernel == 3) return work(depthwise<3, T>{e});
  if (e.kernel == 5) return work(depthwise<5, T>{e});
  work(depthwise<7, T>{e});
}

}  // namespace detail

/// Parallel over lines of results; the gradient of the weights over blocks of lines, whose sums are added in
/// order.
template <>
struct depthwise_convolution<cpu> {
  template <class Context, class T>
  static void forward(Context& context, const depthwise_extents& e, std::size_t batch, const T* x, const T* w,
                      const T* bias, T* y) {
    const std::size_t lines = e.out_height(), image = e.height * e.width * e.channels,
                      result = lines * e.out_width() * e.channels;
    detail::with_kernel<T>(e, [&](const auto& convolution) {
      context.stream.for_each_run(batch * lines, 4, [&](std::size_t first, std::size_t last) {
        vectorised([&] {
          for (std::size_t k = first; k < last; ++k)
            convolution.line(k % lines, x + k / lines * image, w, bias, y + k / lines * result);
        });
      });
    });
  }

  template <class Context, class T>
  static void backward_data(Context& context, const depthwise_extents& e, std::size_t batch, const T* dy,
                            const T* w, T* dx) {
    if (e.stride != 1) return gather(context, e, batch, dy, w, dx);
    const arena_scope guard{context.workspace};
    T* const mirrored = context.workspace.template allocate<T>(e.taps() * e.channels);
    for (std::size_t tap = 0; tap < e.taps(); ++tap)
      std::copy_n(w + tap * e.channels, e.channels, mirrored + (e.taps() - 1 - tap) * e.channels);
    forward(context, {e.out_height(), e.out_width(), e.channels, e.kernel, 1, e.kernel - 1 - e.padding},
            batch, dy, static_cast<const T*>(mirrored), static_cast<const T*>(nullptr), dx);
  }

  template <class Context, class T>
  static void backward_weights(Context& context, const depthwise_extents& e, std::size_t batch, const T* x,
                               const T* dy, T* dw) {
    const std::size_t lines = e.out_height(), image = e.height * e.width * e.channels,
                      result = lines * e.out_width() * e.channels, size = e.taps() * e.channels;
    // The number of blocks does not depend on the number of threads.
    const std::size_t run = std::max<std::size_t>(8, (batch * lines + 63) / 64),
                      blocks = (batch * lines + run - 1) / run;
    const arena_scope guard{context.workspace};
    T* const partial = context.workspace.template allocate<T>(blocks * size);
    detail::with_kernel<T>(e, [&](const auto& convolution) {
      context.stream.for_each_run(batch * lines, run, [&](std::size_t first, std::size_t last) {
        T* const sums = partial + first / run * size;
        std::fill_n(sums, size, T{0});
        vectorised([&] {
          for (std::size_t k = first; k < last; ++k)
            convolution.line_gradient(k % lines, x + k / lines * image, dy + k / lines * result, sums);
        });
      });
    });
    for (std::size_t block = 0; block < blocks; ++block)
      for (std::size_t i = 0; i < size; ++i) dw[i] += partial[block * size + i];
  }

 private:
  /// The gradient of the images for strides above 1: each pixel gathers the results that read it.
  template <class Context, class T>
  static void gather(Context& context, const depthwise_extents& e, std::size_t batch, const T* dy, const T* w,
                     T* dx) {
    context.stream.for_each_run(batch * e.height, 4, [&](std::size_t first, std::size_t last) {
      vectorised([&] {
        for (std::size_t k = first; k < last; ++k) gather_line(e, k / e.height, k % e.height, dy, w, dx);
      });
    });
  }

  template <class T>
  static void gather_line(const depthwise_extents& e, std::size_t sample, std::size_t row, const T* dy,
                          const T* w, T* dx) {
    T* to = dx + (sample * e.height + row) * e.width * e.channels;
    for (std::size_t column = 0; column < e.width; ++column, to += e.channels) {
      std::fill_n(to, e.channels, T{0});
      for (std::size_t i = 0; i < e.kernel; ++i)
        for (std::size_t j = 0; j < e.kernel; ++j) {
          const std::size_t a = row + e.padding - i, b = column + e.padding - j;  // may wrap around
          if (a % e.stride != 0 || b % e.stride != 0 || a / e.stride >= e.out_height() ||
              b / e.stride >= e.out_width())
            continue;
          const std::size_t at = (sample * e.out_height() + a / e.stride) * e.out_width() + b / e.stride;
          const T *const slope = dy + at * e.channels, *const tap = w + (i * e.kernel + j) * e.channels;
          for (std::size_t c = 0; c < e.channels; ++c) to[c] += slope[c] * tap[c];
        }
    }
  }
};

}  // namespace pretext::inline v0_1::kernels
