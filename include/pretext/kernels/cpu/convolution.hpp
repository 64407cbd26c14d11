#pragma once
#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/convolution.hpp>
#include <pretext/kernels/cpu/batch_norm/blocked_moments.hpp>
#include <pretext/kernels/cpu/convolution/few_channels.hpp>
#include <pretext/kernels/cpu/convolution/implicit_gemm.hpp>
#include <pretext/kernels/cpu/convolution/winograd.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/kernels/cpu/gemm/tile.hpp>
#include <pretext/kernels/cpu/gemm/transposed_product.hpp>

namespace pretext::kernels {
namespace detail {

/// Whether F(4x4, 3x3), in float, is quicker than the direct gather: one thread of a Zen 5 (AVX-512), times
/// as quick forward, to the data and to the weights:
///   64 channels, 32x32, 32 images  2.1 2.2 2.5      64 channels, 4x4, 32 images   2.1 2.1 2.9
///   128, 16x16, 64                 2.5 2.5 4.2      64, 4x4, 4 (4 tiles)          1.2 1.2 1.7
///   256, 8x8, 128                  2.6 2.5 3.6      512, 4x4, 32 (32 tiles)       1.2 1.2 2.8
///   512, 4x4, 256                  2.2 2.2 3.5      512, 4x4, 16 (16 tiles)       0.8 0.8 1.8
///   256, 14x14, 16                 1.7 1.9 2.4      256, 3x3, 32 (81/36 saved)    1.4 1.1 1.6
///   512, 7x7, 16                   1.2 1.3 2.6      128, 5x5, 8 (225/144 saved)   1.0 0.9 1.2
/// Double precision takes the gather: gradient checks stand on it. A gather of bfloat16 is quicker where
/// there are few channels or tiles, but for gradients to the weights, which go by the rule of float:
///   16 channels, 32x32, 128 images 0.7 0.7 2.2      128 channels, 8x8, 256 images 1.3 1.2 1.5
///   32, 32x32, 128                 0.8 0.8 1.8      512, 4x4, 256                 1.5 1.4 1.6
///   48, 16x16, 256                 0.8 0.8 1.3      256, 14x14, 16                1.0 0.9 0.9
///   64, 16x16, 256                 1.0 1.0 1.7      512, 7x7, 16                  0.6 0.5 1.4
template <class Operand>
bool winograd_pays(const convolution_extents& e, std::size_t batch) {
  const bool fits = e.rows == 3 && e.columns == 3 && e.stride == 1 && e.padding == 1 && e.in % 16 == 0 &&
                    e.out % 16 == 0 && std::is_same_v<sum_of<Operand>, float>;
  const std::size_t tiles = winograd::tiling{e.height, e.width, batch}.count();
  const std::size_t multiplications = winograd::products * tiles, direct = 9 * batch * e.height * e.width;
  if (std::is_same_v<Operand, bfloat16_pair>)
    return fits && tiles >= 128 && e.in + e.out >= 128 && 2 * direct >= 7 * multiplications;
  return fits && tiles >= 32 && direct >= 2 * multiplications;
}

}  // namespace detail

template <>
struct convolution<cpu> {
  static constexpr bool computes_moments = true;

  template <class Context, class T>
  static void forward(Context& context, const convolution_extents& e, std::size_t batch, const T* x,
                      const T* w, T* y, const channel_moments* requested = nullptr) {
    using operand = operand_of<Context, T>;
    if (detail::winograd_pays<operand>(e, batch))
      return detail::winograd::forward(context, e, batch, x, w, y, requested);
    if (pointwise(e)) return multiply(context, batch * e.height * e.width, e.out, e.in, x, w, y, requested);
    if (detail::has_few_channels(e))
      return detail::few_channels_forward(context, e, batch, x, w, y, requested);
    const arena_scope guard{context.workspace};
    const std::size_t lines = operands<operand>(e.in) * panel_width<operand>(), step = e.taps() * lines;
    operand* packed = context.workspace.template allocate<operand>(panels<operand>(e.out) * step);
    context.stream.for_each_block(panels<operand>(e.out), [&](std::size_t panel) {
      for (std::size_t t = 0; t < e.taps(); ++t)
        pack_panels(w + t * e.in * e.out, e.in, e.out, e.out, std::size_t{1}, packed + t * lines, panel,
                    panel + 1, step);
    });
    detail::tap taps[detail::max_taps];
    for (std::size_t t = 0; t < e.taps(); ++t)
      taps[t] = {static_cast<std::ptrdiff_t>(t / e.columns) - static_cast<std::ptrdiff_t>(e.padding),
                 static_cast<std::ptrdiff_t>(t % e.columns) - static_cast<std::ptrdiff_t>(e.padding), t};
    detail::run_implicit_gemm<operand>(
        context,
        {x, e.height, e.width, e.in, y, e.out_height() * e.out_width() * e.out, e.out, e.out_height(),
         e.out_width(), 0, e.out_width(), 1, e.stride, taps, e.taps(), packed, step, false},
        batch, requested);
  }

  template <class Context, class T>
  static void backward_data(Context& context, const convolution_extents& e, std::size_t batch, const T* dy,
                            const T* w, T* dx, write_mode mode) {
    using operand = operand_of<Context, T>;
    if (detail::winograd_pays<operand>(e, batch))
      return detail::winograd::backward_data(context, e, batch, dy, w, dx, mode);
    if (pointwise(e))
      return gemm<cpu>::run(context, op::none, op::transposed, batch * e.height * e.width, e.in, e.out, dy, w,
                            dx, mode);
    const arena_scope guard{context.workspace};
    const std::size_t lines = operands<operand>(e.out) * panel_width<operand>(), step = e.taps() * lines;
    operand* packed = context.workspace.template allocate<operand>(panels<operand>(e.in) * step);
    context.stream.for_each_block(panels<operand>(e.in), [&](std::size_t panel) {
      for (std::size_t t = 0; t < e.taps(); ++t)
        pack_panels(w + t * e.in * e.out, e.out, e.in, std::size_t{1}, e.out, packed + t * lines, panel,
                    panel + 1, step);
    });
    const auto stride = static_cast<std::ptrdiff_t>(e.stride);
    for (std::size_t row = 0; row < std::min(e.stride, e.height); ++row)
      for (std::size_t column = 0; column < std::min(e.stride, e.width); ++column) {
        detail::tap taps[detail::max_taps];
        std::size_t count = 0;
        for (std::size_t t = 0; t < e.taps(); ++t) {
          const auto down =
              static_cast<std::ptrdiff_t>(row + e.padding) - static_cast<std::ptrdiff_t>(t / e.columns);
          const auto right =
              static_cast<std::ptrdiff_t>(column + e.padding) - static_cast<std::ptrdiff_t>(t % e.columns);
          if (down % stride == 0 && right % stride == 0) taps[count++] = {down / stride, right / stride, t};
        }
        if (count == 0 && mode == write_mode::accumulate) continue;
        detail::run_implicit_gemm<operand>(
            context,
            {dy, e.out_height(), e.out_width(), e.out, dx, e.height * e.width * e.in, e.in,
             (e.height - row + e.stride - 1) / e.stride, (e.width - column + e.stride - 1) / e.stride,
             row * e.width + column, e.stride * e.width, e.stride, 1, taps, count, packed, step,
             mode == write_mode::accumulate},
            batch);
      }
  }

  template <class Context, class T>
  static void backward_weights(Context& context, const convolution_extents& e, std::size_t batch, const T* x,
                               const T* dy, T* dw) {
    if (detail::winograd_pays<T>(e, batch))
      return detail::winograd::backward_weights(context, e, batch, x, dy, dw);
    if (pointwise(e))
      return gemm<cpu>::run(context, op::transposed, op::none, e.in, e.out, batch * e.height * e.width, x, dy,
                            dw, write_mode::accumulate);
    if (detail::has_few_channels(e))
      return detail::few_channels_backward_weights(context, e, batch, x, dy, dw);
    // Row by row, what the kernel sees of x is a matrix of (pixels of the result) by (taps, channels).
    const arena_scope guard{context.workspace};
    const T* nothing = zeros<T>(context, e.in);
    const auto patches = [&](const detail::strips<operand_of<Context, T>>& piece, std::size_t begin,
                             std::size_t end, std::size_t first, std::size_t length) {
      const T* pixel[detail::product_depth];
      for (std::size_t at = begin, t = begin / e.in; at < end; ++t) {
        const std::size_t stop = std::min(end, (t + 1) * e.in), channel = at - t * e.in;
        gather_pixels(e, x, first, length, t, nothing, pixel);
        piece.pack(at - begin, stop - at, 0, length, [&](std::size_t i) { return pixel[i] + channel; });
        at = stop;
      }
    };
    detail::transposed_product(context, e.taps() * e.in, e.out, batch * e.out_height() * e.out_width(),
                               patches, dy, op::none, dw, write_mode::accumulate);
  }

 private:
  /// One matrix product.
  static bool pointwise(const convolution_extents& e) {
    return e.taps() == 1 && e.stride == 1 && e.padding == 0;
  }

  template <class Context, class T>
  static void multiply(Context& context, std::size_t rows, std::size_t out, std::size_t in, const T* x,
                       const T* w, T* y, const channel_moments* requested) {
    const arena_scope guard{context.workspace};
    const detail::blocked_moments<T> moments{context, requested, out, rows, output_block::max_rows};
    gemm<cpu>::run_with_epilogue(context, op::none, rows, out, in, x, w, y, [&](const output_block& done) {
      moments.add_rows(y, done.top, done.bottom, done.left, done.right);
    });
    moments.combine(context.stream);
  }

  template <class T, class Context>
  static const T* zeros(Context& context, std::size_t count) {
    T* data = context.workspace.template allocate<T>(count);
    std::fill_n(data, count, T{0});
    return data;
  }

  /// Where tap t reads for each of `count` result pixels from `first` on.
  template <class T>
  static void gather_pixels(const convolution_extents& e, const T* x, std::size_t first, std::size_t count,
                            std::size_t t, const T* nothing, const T** pixel) {
    const std::size_t pixels = e.out_height() * e.out_width();
    const auto down = static_cast<std::ptrdiff_t>(t / e.columns) - static_cast<std::ptrdiff_t>(e.padding);
    const auto right = static_cast<std::ptrdiff_t>(t % e.columns) - static_cast<std::ptrdiff_t>(e.padding);
    std::size_t sample = first / pixels, a = first % pixels / e.out_width(), b = first % e.out_width();
    for (std::size_t done = 0; done < count;) {
      const auto row = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(a * e.stride) + down);
      const bool row_inside = row < e.height;  // a negative place became a huge one
      const T* line = x + (sample * e.height + (row_inside ? row : 0)) * e.width * e.in;
      const std::size_t end = std::min(e.out_width(), b + count - done);
      for (; b < end; ++b, ++done) {
        const auto column = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(b * e.stride) + right);
        pixel[done] = row_inside && column < e.width ? line + column * e.in : nothing;
      }
      if (b < e.out_width()) continue;
      b = 0;
      if (++a < e.out_height()) continue;
      a = 0;
      ++sample;
    }
  }
};

}  // namespace pretext::kernels
