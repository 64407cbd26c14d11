#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/batch_mix.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/cross_entropy.hpp>

namespace pretext::kernels {

template <>
struct mixing<cpu> {
  template <class Context, class T>
  static void mix(Context& context, std::size_t rows, std::size_t height, std::size_t width,
                  std::size_t channels, device_scalar<batch_mix> how, T* x) {
    const batch_mix chosen = how;
    if (chosen.lambda == 1) return;
    if (chosen.pasted)
      paste(context, rows, height, width, channels, chosen, x);
    else
      blend(context, rows, height * width * channels, chosen.lambda, x);
  }

  template <class Context, class W>
  static void targets(Context&, std::size_t rows, std::size_t stride, std::size_t classes,
                      device_scalar<batch_mix> how, double smoothing, const int* labels, W* soft_targets) {
    const batch_mix chosen = how;
    const double lambda = chosen.lambda;
    for (std::size_t row = 0; row < rows; ++row) {
      const auto own = static_cast<std::size_t>(labels[row]),
                 other = static_cast<std::size_t>(labels[rows - 1 - row]);
      for (std::size_t c = 0; c < classes; ++c) {
        const double t = (c == own ? lambda : 0) + (c == other ? 1 - lambda : 0);
        soft_targets[row * stride + c] = static_cast<W>(smoothed(t, smoothing, classes));
      }
      std::fill(soft_targets + row * stride + classes, soft_targets + (row + 1) * stride, W{0});
    }
  }

 private:
  template <class Context, class T>
  static void blend(Context& context, std::size_t rows, std::size_t size, double lambda, T* x) {
    const T own = static_cast<T>(lambda), other = static_cast<T>(1 - lambda);
    context.stream.for_each_block(rows / 2, [=](std::size_t row) {
      T* __restrict const a = x + row * size, * __restrict const b = x + (rows - 1 - row) * size;
      vectorised([=] {
        for (std::size_t i = 0; i < size; ++i) {
          const T first = a[i], last = b[i];
          a[i] = own * first + other * last;
          b[i] = own * last + other * first;
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

}  // namespace pretext::kernels
