// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <pretext/core/arena.hpp>
#include <pretext/core/constant_weights.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/convolution.hpp>
#include <pretext/kernels/cpu/batch_norm/blocked_moments.hpp>
#include <pretext/kernels/cpu/convolution/epilogue.hpp>
#include <pretext/kernels/cpu/convolution/few_channels.hpp>
#include <pretext/kernels/cpu/convolution/implicit_gemm.hpp>
#include <pretext/kernels/cpu/convolution/winograd.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/kernels/cpu/gemm/tile.hpp>
#include <pretext/kernels/cpu/gemm/transposed_product.hpp>

namespace pretext::inline v0_1::kernels {
namespace detail {

/// Whether Winograd's F(4x4, 3x3), in float, is faster than the implicit product. Speed-up of forward, of the
/// data's gradient and of the weights' gradient, measured on one thread of a Zen 5 (AVX-512):
///   64 channels, 32x32, 32 images  2.1 2.2 2.5      64 channels, 4x4, 32 images   2.1 2.1 2.9
///   128, 16x16, 64                 2.5 2.5 4.2      64, 4x4, 4 (4 tiles)          1.2 1.2 1.7
///   256, 8x8, 128                  2.6 2.5 3.6      512, 4x4, 32 (32 tiles)       1.2 1.2 2.8
///   512, 4x4, 256                  2.2 2.2 3.5      512, 4x4, 16 (16 tiles)       0.8 0.8 1.8
///   256, 14x14, 16                 1.7 1.9 2.4      256, 3x3, 32 (81/36 saved)    1.4 1.1 1.6
///   512, 7x7, 16                   1.2 1.3 2.6      128, 5x5, 8 (225/144 saved)   1.0 0.9 1.2
/// Double precision uses the implicit product, which is what gradient checks test. In bfloat16 the implicit
/// product is faster where there are few channels or tiles, except for gradients of the weights, which follow
/// the rule of float:
///   16 channels, 32x32, 128 images 0.7 0.7 2.2      128 channels, 8x8, 256 images 1.3 1.2 1.5
///   32, 32x32, 128                 0.8 0.8 1.8      512, 4x4, 256                 1.5 1.4 1.6
///   48, 16x16, 256                 0.8 0.8 1.3      256, 14x14, 16                1.0 0.9 0.9
///   64, 16x16, 256                 1.0 1.0 1.7      512, 7x7, 16                  0.6 0.5 1.4
template <class Operand>
bool winograd_pays(const convolution_extents& e, std::size_t batch, bool constant = false) {
  const bool fits = e.rows == 3 && e.columns == 3 && e.stride == 1 && e.padding == 1 && e.in % 16 == 0 &&
                    e.out % 16 == 0 && std::is_same_v<sum_of<Operand>, float>;
  const std::size_t tiles = winograd::tiling{e.height, e.width, batch}.count();
  const std::size_t multiplications = winograd::products * tiles, direct = 9 * batch * e.height * e.width;
  if (std::is_same_v<Operand, bfloat16_pair>)
    return fits && tiles >= 128 && e.in + e.out >= 128 && 2 * direct >= 7 * multiplications;
  return fits && tiles >= (constant ? 16 : 32) && direct >= 2 * multiplications;
}

}  // namespace detail

/// One of four algorithms: Winograd's for 3x3 kernels where it saves time, a matrix product for 1x1 kernels,
/// a product over copied lines for colour images (few_channels.hpp), and an implicit product for all others
/// (implicit_gemm.hpp). The gradient of the data has an implicit product for each residue of the stride, so
/// that no product multiplies zeros.
template <>
struct convolution<cpu> {
  static constexpr bool computes_moments = true, applies_epilogue = true;

  template <class Context, class T>
  static void forward(Context& context, const convolution_extents& e, std::size_t batch, const T* x,
                      const T* w, T* y, const channel_moments* requested = nullptr,
                      const convolution_epilogue<T>* finish = nullptr) {
    using operand = operand_of<Context, T>;
    const bool constant = context.constants && context.constants->contains(w);
    if (detail::winograd_pays<operand>(e, batch, constant))
      return detail::winograd::forward(context, e, batch, x, w, y, requested, finish);
    if (pointwise(e))
      return multiply(context, batch * e.height * e.width, e.out, e.in, x, w, y, requested, finish);
    if (detail::has_few_channels(e))
      return detail::few_channels_forward(context, e, batch, x, w, y, requested, finish);
    const arena_scope guard{context.workspace};
    const std::size_t lines = operands<operand>(e.in) * panel_width<operand>(), step = e.taps() * lines;
    const std::size_t packed_size = panels<operand>(e.out) * step;
    const auto pack = [&](operand* to) {
      context.stream.for_each_block(panels<operand>(e.out), [&](std::size_t panel) {
        for (std::size_t t = 0; t < e.taps(); ++t)
          pack_panels(w + t * e.in * e.out, e.in, e.out, e.out, std::size_t{1}, to + t * lines, panel,
                      panel + 1, step);
      });
    };
    const operand* packed = nullptr;
    if (constant) {
      packed = context.constants->template prepared<operand>(w, {e.in, e.out, e.taps()}, packed_size, pack);
    } else {
      operand* const scratch = context.workspace.template allocate<operand>(packed_size);
      pack(scratch);
      packed = scratch;
    }
    detail::tap taps[detail::max_taps];
    for (std::size_t t = 0; t < e.taps(); ++t)
      taps[t] = {static_cast<std::ptrdiff_t>(t / e.columns) - static_cast<std::ptrdiff_t>(e.padding),
                 static_cast<std::ptrdiff_t>(t % e.columns) - static_cast<std::ptrdiff_t>(e.padding), t};
    detail::run_implicit_gemm<operand>(
        context,
        {x, e.height, e.width, e.in, y, e.out_height() * e.out_width() * e.out, e.out, e.out_height(),
         e.out_width(), 0, e.out_width(), 1, e.stride, taps, e.taps(), packed, step, false},
        batch, requested, finish);
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
    // The patches of x under the kernel form a matrix (pixels of the result) × (taps, channels), packed row
    // by row.
    const arena_scope guard{context.workspace};
    const T* const padding = zeros<T>(context, e.in);
    const auto patches = [&](const detail::strips<operand_of<Context, T>>& strips, std::size_t begin,
                             std::size_t end, std::size_t first, std::size_t length) {
      const T* pixel[detail::product_depth];
      for (std::size_t at = begin, t = begin / e.in; at < end; ++t) {
        const std::size_t tap_end = std::min(end, (t + 1) * e.in), channel = at - t * e.in;
        gather_pixels(e, x, first, length, t, padding, pixel);
        strips.pack(at - begin, tap_end - at, 0, length, [&](std::size_t i) { return pixel[i] + channel; });
        at = tap_end;
      }
    };
    detail::transposed_product(context, e.taps() * e.in, e.out, batch * e.out_height() * e.out_width(),
                               patches, dy, op::none, dw, write_mode::accumulate);
  }

 private:
  /// Whether the convolution is one matrix product.
  static bool pointwise(const convolution_extents& e) {
    return e.taps() == 1 && e.stride == 1 && e.padding == 0;
  }

  template <class Context, class T>
  static void multiply(Context& context, std::size_t rows, std::size_t out, std::size_t in, const T* x,
                       const T* w, T* y, const channel_moments* requested,
                       const convolution_epilogue<T>* finish) {
    const arena_scope guard{context.workspace};
    const detail::applied_epilogue<T> epilogue{finish, y, out};
    const detail::blocked_moments<T> moments{context, requested, out, rows, output_block::fixed_rows};
    gemm<cpu>::run_with_epilogue(
        context, op::none, rows, out, in, x, w, y,
        [&](const output_block& block) {
          moments.add_rows(y, block.top, block.bottom, block.left, block.right);
          epilogue.apply_rows(block.top, block.bottom, block.left, block.right);
        },
        requested ? row_division::fixed : row_division::chosen);
    moments.combine(context.stream);
  }

  template <class T, class Context>
  static const T* zeros(Context& context, std::size_t count) {
    T* data = context.workspace.template allocate<T>(count);
    std::fill_n(data, count, T{0});
    return data;
  }

  /// Pointers to the pixels that tap t reads for `count` result pixels from `first` on; to `padding` outside
  /// the image.
  template <class T>
  static void gather_pixels(const convolution_extents& e, const T* x, std::size_t first, std::size_t count,
                            std::size_t t, const T* padding, const T** pixel) {
    const std::size_t pixels = e.out_height() * e.out_width();
    const auto down = static_cast<std::ptrdiff_t>(t / e.columns) - static_cast<std::ptrdiff_t>(e.padding);
    const auto right = static_cast<std::ptrdiff_t>(t % e.columns) - static_cast<std::ptrdiff_t>(e.padding);
    std::size_t sample = first / pixels, a = first % pixels / e.out_width(), b = first % e.out_width();
    for (std::size_t done = 0; done < count;) {
      const auto row = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(a * e.stride) + down);
      const bool row_inside = row < e.height;  // a negative row wrapped to a huge one
      const T* line = x + (sample * e.height + (row_inside ? row : 0)) * e.width * e.in;
      const std::size_t end = std::min(e.out_width(), b + count - done);
      for (; b < end; ++b, ++done) {
        const auto column = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(b * e.stride) + right);
        pixel[done] = row_inside && column < e.width ? line + column * e.in : padding;
      }
      if (b < e.out_width()) continue;
      b = 0;
      if (++a < e.out_height()) continue;
      a = 0;
      ++sample;
    }
  }
};

}  // namespace pretext::inline v0_1::kernels
