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
struct prepend_tokens<cpu> {
  template <class Context, class T>
  static void forward(Context& context, const sequence_extents& e, std::size_t batch,
                      const index_list& chosen, const T* x, const T* prefix, const T* positions, T* y) {
    const std::size_t width = e.width, tokens = e.prefix + chosen.count;
    for_each_sample(context, batch, [=](std::size_t n) {
      T* to = y + n * tokens * width;
      std::copy_n(prefix, e.prefix * width, to);
      for (std::size_t i = 0; i < e.positioned * width; ++i) to[i] += positions[i];
      to += e.prefix * width;
      for (std::size_t j = 0; j < chosen.count; ++j, to += width) {
        const T* from = x + (n * chosen.count + j) * width;
        const T* at = positions + (e.positioned + chosen.position(n, j)) * width;
        for (std::size_t c = 0; c < width; ++c) to[c] = from[c] + at[c];
      }
    });
  }

  template <class Context, class T>
  static void backward(Context& context, const sequence_extents& e, std::size_t batch,
                       const index_list& chosen, const T* dy, T* dx, T* dprefix, T* dpositions) {
    const std::size_t width = e.width, tokens = e.prefix + chosen.count;
    if (dx)
      for_each_sample(context, batch, [=](std::size_t n) {
        std::copy_n(dy + (n * tokens + e.prefix) * width, chosen.count * width,
                    dx + n * chosen.count * width);
      });
    if (!dprefix && !dpositions) return;
    context.stream.for_each_run(width, 64, [=](std::size_t begin, std::size_t end) {
      const auto add = [=](const T* from, T* to) {
        for (std::size_t c = begin; c < end; ++c) to[c] += from[c];
      };
      for (std::size_t n = 0; n < batch; ++n) {
        const T* from = dy + n * tokens * width;
        for (std::size_t p = 0; dprefix && p < e.prefix; ++p) add(from + p * width, dprefix + p * width);
        for (std::size_t p = 0; dpositions && p < e.positioned; ++p)
          add(from + p * width, dpositions + p * width);
        for (std::size_t j = 0; dpositions && j < chosen.count; ++j)
          add(from + (e.prefix + j) * width, dpositions + (e.positioned + chosen.position(n, j)) * width);
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
