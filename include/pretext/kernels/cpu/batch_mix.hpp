// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/batch_mix.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/cross_entropy.hpp>

namespace pretext::inline v0_1::kernels {

/// Rows i and rows-1-i are mixed together, so one loop over half of the rows works in place.
template <>
struct mixing<cpu> {
  template <class Context, class T>
  static void mix(Context& context, std::size_t rows, std::size_t height, std::size_t width,
                  std::size_t channels, device_scalar<batch_mix> stored_mix, T* x) {
    const batch_mix chosen = stored_mix;
    if (chosen.lambda == 1) return;
    if (chosen.pasted)
      paste(context, rows, height, width, channels, chosen, x);
    else
      blend(context, rows, height * width * channels, chosen.lambda, x);
  }

  template <class Context, class W>
  static void targets(Context&, std::size_t rows, std::size_t stride, std::size_t classes,
                      device_scalar<batch_mix> stored_mix, double smoothing, const int* labels,
                      W* soft_targets) {
    const batch_mix chosen = stored_mix;
    const double lambda = chosen.lambda;
    for (std::size_t row = 0; row < rows; ++row) {
      const auto label = static_cast<std::size_t>(labels[row]),
                 partner = static_cast<std::size_t>(labels[rows - 1 - row]);
      for (std::size_t c = 0; c < classes; ++c) {
        const double t = (c == label ? lambda : 0) + (c == partner ? 1 - lambda : 0);
        soft_targets[row * stride + c] = static_cast<W>(smoothed(t, smoothing, classes));
      }
      std::fill(soft_targets + row * stride + classes, soft_targets + (row + 1) * stride, W{0});
    }
  }

 private:
  template <class Context, class T>
  static void blend(Context& context, std::size_t rows, std::size_t size, double lambda, T* x) {
    const T self = static_cast<T>(lambda), other = static_cast<T>(1 - lambda);
    context.stream.for_each_block(rows / 2, [=](std::size_t row) {
      T* __restrict const a = x + row * size, * __restrict const b = x + (rows - 1 - row) * size;
      vectorised([=] {
        for (std::size_t i = 0; i < size; ++i) {
          const T first = a[i], last = b[i];
          a[i] = self * first + other * last;
          b[i] = self * last + other * first;
        }
      });
    });
  }

  template <class Context, class T>
  static void paste(Context& context, std::size_t rows, std::size_t height, std::size_t width,
                    std::size_t channels, const batch_mix& box, T* x) {
    const std::size_t size = height * width * channels, line = width * channels;
    context.stream.for_each_block(rows / 2, [=](std::size_t row) {
      T *a = x + row * size, *b = x + (rows - 1 - row) * size;
      for (std::size_t y = box.top; y < box.top + box.height; ++y) {
        const std::size_t at = y * line + box.left * channels;
        std::swap_ranges(a + at, a + at + box.width * channels, b + at);
      }
    });
  }
};

}  // namespace pretext::inline v0_1::kernels
