// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <pretext/core/is_finite.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/pooling.hpp>

namespace pretext::inline v0_1::kernels {

/// Sums over the positions of a sample in order.
template <>
struct average_pool<cpu> {
  template <class Context, class T>
  static void forward(Context& context, std::size_t batch, std::size_t positions, std::size_t channels,
                      const T* x, T* y) {
    const T inverse_count = T{1} / static_cast<T>(positions);
    context.stream.for_each_run(batch, 4, [=](std::size_t first, std::size_t last) {
      vectorised([=] {
        for (std::size_t n = first; n < last; ++n) {
          T* to = y + n * channels;
          std::fill_n(to, channels, T{0});
          for (std::size_t p = 0; p < positions; ++p)
            for (std::size_t c = 0; c < channels; ++c) to[c] += x[(n * positions + p) * channels + c];
          for (std::size_t c = 0; c < channels; ++c) to[c] *= inverse_count;
        }
      });
    });
  }
  template <class Context, class T>
  static void backward(Context& context, std::size_t batch, std::size_t positions, std::size_t channels,
                       const T* dy, T* dx) {
    const T inverse_count = T{1} / static_cast<T>(positions);
    context.stream.for_each_run(batch, 4, [&](std::size_t first, std::size_t last) {
      for (std::size_t n = first; n < last; ++n)
        for (std::size_t p = 0; p < positions; ++p)
          for (std::size_t c = 0; c < channels; ++c)
            dx[(n * positions + p) * channels + c] = dy[n * channels + c] * inverse_count;
    });
  }
};

/// Forward visits the pixels under each window, all channels at once; backward adds each gradient to the
/// chosen pixel, sample by sample.
template <>
struct max_pool<cpu> {
  template <class Context, class T>
  static void forward(Context& context, const window& w, std::size_t batch, const T* x, T* y,
                      std::uint32_t* chosen) {
    const std::size_t rows = w.out_height(), columns = w.out_width();
    context.stream.for_each_run(batch * rows, 4, [&](std::size_t first, std::size_t last) {
      vectorised([&] {
        for (std::size_t line = first; line < last; ++line) {
          const T* sample = x + line / rows * w.height * w.width * w.channels;
          for (std::size_t b = 0; b < columns; ++b) {
            const std::size_t at = (line * columns + b) * w.channels;
            if (chosen)
              choose(w, inside(w, line % rows, b), sample, y + at, chosen + at);
            else
              choose(w, inside(w, line % rows, b), sample, y + at);
          }
        }
      });
    });
  }
  template <class Context, class T>
  static void backward(Context& context, const window& w, std::size_t batch, const std::uint32_t* chosen,
                       const T* dy, T* dx) {
    const std::size_t results = w.out_height() * w.out_width();
    context.stream.for_each_block(batch, [&](std::size_t sample) {
      T* to = dx + sample * w.height * w.width * w.channels;
      std::fill_n(to, w.height * w.width * w.channels, T{0});
      for (std::size_t i = sample * results; i < (sample + 1) * results; ++i)
        for (std::size_t c = 0; c < w.channels; ++c)
          to[chosen[i * w.channels + c] * w.channels + c] += dy[i * w.channels + c];
    });
  }

 private:
  struct span {
    std::size_t top, bottom, left, right;
  };
  /// The largest value of each channel, NaN before all others, and the index of its pixel if `where` is
  /// given.
  template <class T, class... Chosen>
  static void choose(const window& w, const span& over, const T* __restrict sample, T* __restrict best,
                     Chosen* __restrict... where) {
    std::fill_n(best, w.channels, -pretext::detail::infinity<T>);
    (std::fill_n(where, w.channels, Chosen{0}), ...);
    for (std::size_t i = over.top; i < over.bottom; ++i)
      for (std::size_t j = over.left; j < over.right; ++j) {
        const std::size_t pixel = i * w.width + j;
        const T* __restrict x = sample + pixel * w.channels;
        for (std::size_t c = 0; c < w.channels; ++c) {
          const bool better = x[c] > best[c] || x[c] != x[c];
          ((where[c] = better ? static_cast<Chosen>(pixel) : where[c]), ...);
          best[c] = better ? x[c] : best[c];
        }
      }
  }
  static span inside(const window& w, std::size_t a, std::size_t b) {
    const auto begin = [&](std::size_t at) {
      return at * w.stride > w.padding ? at * w.stride - w.padding : 0;
    };
    const auto end = [&](std::size_t at, std::size_t extent) {
      return std::min(extent, at * w.stride + w.size - std::min(w.padding, at * w.stride + w.size));
    };
    return {begin(a), end(a, w.height), begin(b), end(b, w.width)};
  }
};

}  // namespace pretext::inline v0_1::kernels
