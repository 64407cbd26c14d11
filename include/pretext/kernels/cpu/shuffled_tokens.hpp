// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/shuffled_tokens.hpp>

namespace pretext::inline v0_1::kernels {

/// Copies tokens.
template <>
struct gather_tokens<cpu> {
  template <class Context, class T>
  static void forward(Context& context, const token_extents& e, std::size_t batch, const index_list& chosen,
                      const T* x, T* y) {
    context.stream.for_each_run(batch, 8, [&](std::size_t first, std::size_t last) {
      for (std::size_t n = first; n < last; ++n)
        for (std::size_t j = 0; j < chosen.count; ++j)
          std::copy_n(x + (n * e.tokens() + e.prefix_tokens + chosen.position(n, j)) * e.width, e.width,
                      y + (n * chosen.count + j) * e.width);
    });
  }
  template <class Context, class T>
  static void backward(Context& context, const token_extents& e, std::size_t batch, const index_list& chosen,
                       const T* dy, T* dx) {
    context.stream.for_each_run(batch, 8, [&](std::size_t first, std::size_t last) {
      std::fill(dx + first * e.tokens() * e.width, dx + last * e.tokens() * e.width, T{0});
      for (std::size_t n = first; n < last; ++n)
        for (std::size_t j = 0; j < chosen.count; ++j)
          std::copy_n(dy + (n * chosen.count + j) * e.width, e.width,
                      dx + (n * e.tokens() + e.prefix_tokens + chosen.position(n, j)) * e.width);
    });
  }
};

/// Copies or adds tokens; the mask token's gradient is summed over samples in order, in parallel over
/// channels.
template <>
struct scatter_tokens<cpu> {
  template <class Context, class T>
  static void forward(Context& context, const token_extents& e, std::size_t batch, std::size_t count,
                      const index_list& order, const T* x, const T* token, const T* positions, T* y) {
    context.stream.for_each_run(batch, 8, [&](std::size_t first, std::size_t last) {
      vectorised([&] {
        for (std::size_t n = first; n < last; ++n)
          for (std::size_t i = 0; i < e.tokens(); ++i) {
            const std::size_t at = row(e, order, n, i);
            const T* const from =
                i < e.prefix_tokens + count ? x + (n * (e.prefix_tokens + count) + i) * e.width : token;
            T* const to = y + (n * e.tokens() + at) * e.width;
            if (positions)
              for (std::size_t c = 0; c < e.width; ++c) to[c] = from[c] + positions[at * e.width + c];
            else
              std::copy_n(from, e.width, to);
          }
      });
    });
  }
  template <class Context, class T>
  static void backward(Context& context, const token_extents& e, std::size_t batch, std::size_t count,
                       const index_list& order, const T* dy, T* dx, T* dtoken) {
    const std::size_t visible = e.prefix_tokens + count;
    context.stream.for_each_run(batch, 8, [&](std::size_t first, std::size_t last) {
      for (std::size_t n = first; n < last; ++n)
        for (std::size_t i = 0; i < visible; ++i)
          std::copy_n(dy + (n * e.tokens() + row(e, order, n, i)) * e.width, e.width,
                      dx + (n * visible + i) * e.width);
    });
    context.stream.for_each_run(e.width, 64, [&](std::size_t first, std::size_t last) {
      for (std::size_t n = 0; n < batch; ++n)
        for (std::size_t i = visible; i < e.tokens(); ++i) {
          const T* const from = dy + (n * e.tokens() + row(e, order, n, i)) * e.width;
          for (std::size_t c = first; c < last; ++c) dtoken[c] += from[c];
        }
    });
  }

 private:
  /// The position of the i-th shuffled token.
  static std::size_t row(const token_extents& e, const index_list& order, std::size_t n, std::size_t i) {
    return i < e.prefix_tokens ? i : e.prefix_tokens + order.position(n, i - e.prefix_tokens);
  }
};

}  // namespace pretext::inline v0_1::kernels
