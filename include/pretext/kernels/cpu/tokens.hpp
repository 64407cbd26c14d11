// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/tokens.hpp>

namespace pretext::inline v0_1::kernels {

/// Forward in parallel over samples; gradients of parameters in parallel over channels, summed over samples
/// in order.
template <>
struct prepend_class_token<cpu> {
  template <class Context, class T>
  static void forward(Context& context, std::size_t batch, std::size_t width, const index_list& chosen,
                      const T* x, const T* first, const T* positions, T* y) {
    const std::size_t tokens = 1 + chosen.count;
    for_each_sample(context, batch, [=](std::size_t n) {
      T* to = y + n * tokens * width;
      for (std::size_t c = 0; c < width; ++c) to[c] = first[c] + positions[c];
      for (std::size_t j = 0; j < chosen.count; ++j) {
        const T* from = x + (n * chosen.count + j) * width;
        const T* at = positions + (1 + chosen.position(n, j)) * width;
        to += width;
        for (std::size_t c = 0; c < width; ++c) to[c] = from[c] + at[c];
      }
    });
  }

  template <class Context, class T>
  static void backward(Context& context, std::size_t batch, std::size_t width, const index_list& chosen,
                       const T* dy, T* dx, T* dfirst, T* dpositions) {
    const std::size_t tokens = 1 + chosen.count;
    if (dx)
      for_each_sample(context, batch, [=](std::size_t n) {
        std::copy_n(dy + (n * tokens + 1) * width, chosen.count * width, dx + n * chosen.count * width);
      });
    if (!dfirst && !dpositions) return;
    context.stream.for_each_run(width, 64, [=](std::size_t begin, std::size_t end) {
      for (std::size_t n = 0; n < batch; ++n) {
        const T* from = dy + n * tokens * width;
        for (std::size_t c = begin; dfirst && c < end; ++c) dfirst[c] += from[c];
        for (std::size_t j = 0; dpositions && j < tokens; ++j) {
          T* to = dpositions + (j == 0 ? 0 : 1 + chosen.position(n, j - 1)) * width;
          for (std::size_t c = begin; c < end; ++c) to[c] += from[j * width + c];
        }
      }
    });
  }

 private:
  template <class Context, class Work>
  static void for_each_sample(Context& context, std::size_t batch, const Work& work) {
    context.stream.for_each_run(batch, 8, [&](std::size_t first, std::size_t last) {
      vectorised([&] {
        for (std::size_t n = first; n < last; ++n) work(n);
      });
    });
  }
};

/// Sums over the tokens of a sample in order.
template <>
struct token_mean<cpu> {
  template <class Context, class T>
  static void forward(Context& context, std::size_t batch, std::size_t tokens, std::size_t width,
                      std::size_t first, std::size_t count, const T* x, T* y) {
    const T inverse_count = T{1} / static_cast<T>(count);
    context.stream.for_each_run(batch, 8, [=](std::size_t begin, std::size_t end) {
      for (std::size_t n = begin; n < end; ++n) {
        T* to = y + n * width;
        std::fill_n(to, width, T{0});
        for (std::size_t t = first; t < first + count; ++t)
          for (std::size_t c = 0; c < width; ++c) to[c] += x[(n * tokens + t) * width + c];
        for (std::size_t c = 0; c < width; ++c) to[c] *= inverse_count;
      }
    });
  }

  template <class Context, class T>
  static void backward(Context& context, std::size_t batch, std::size_t tokens, std::size_t width,
                       std::size_t first, std::size_t count, const T* dy, T* dx) {
    const T inverse_count = T{1} / static_cast<T>(count);
    context.stream.for_each_run(batch, 8, [=](std::size_t begin, std::size_t end) {
      for (std::size_t n = begin; n < end; ++n)
        for (std::size_t t = 0; t < tokens; ++t) {
          T* to = dx + (n * tokens + t) * width;
          const bool averaged = first <= t && t < first + count;
          for (std::size_t c = 0; c < width; ++c) to[c] = averaged ? inverse_count * dy[n * width + c] : T{0};
        }
    });
  }
};

}  // namespace pretext::inline v0_1::kernels
