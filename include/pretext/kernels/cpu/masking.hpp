// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include <pretext/core/random.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/masking.hpp>

namespace pretext::inline v0_1::kernels {

/// One draw per position.
template <>
struct uniform_noise<cpu> {
  template <class Context>
  static void run(Context& context, const sample_keys& keys, std::size_t batch, std::size_t patches,
                  float* noise) {
    context.stream.for_each_run(batch, 4, [&](std::size_t first, std::size_t last) {
      for (std::size_t n = first; n < last; ++n) {
        const random_key key = keys(n);
        for (std::size_t p = 0; p < patches; ++p)
          noise[n * patches + p] = key.uniform(static_cast<std::uint32_t>(p));
      }
    });
  }
};

/// std::sort per sample.
template <>
struct order_by_noise<cpu> {
  template <class Context, class N>
  static void run(Context& context, std::size_t batch, std::size_t patches, const N* noise,
                  std::uint32_t* order, std::uint32_t* restore) {
    context.stream.for_each_run(batch, 4, [&](std::size_t first, std::size_t last) {
      for (std::size_t n = first; n < last; ++n) {
        const N* const at = noise + n * patches;
        std::uint32_t* const sorted = order + n * patches;
        std::iota(sorted, sorted + patches, std::uint32_t{0});
        std::sort(sorted, sorted + patches, [at](std::uint32_t a, std::uint32_t b) {
          return at[a] < at[b] || (!(at[b] < at[a]) && a < b);
        });
        for (std::uint32_t i = 0; i < patches; ++i) restore[n * patches + sorted[i]] = i;
      }
    });
  }
};

/// One loop over the rows of the fine grids.
template <>
struct enlarge_grid<cpu> {
  template <class Context>
  static void run(Context& context, std::size_t batch, std::size_t rows, std::size_t columns,
                  std::size_t factor, const std::uint32_t* coarse, std::uint32_t* fine) {
    const std::size_t coarse_columns = columns / factor;
    context.stream.for_each_run(batch * rows, 64, [&](std::size_t first, std::size_t last) {
      for (std::size_t line = first; line < last; ++line) {
        const std::size_t n = line / rows, r = line % rows;
        for (std::size_t c = 0; c < columns; ++c)
          fine[line * columns + c] = coarse[(n * (rows / factor) + r / factor) * coarse_columns + c / factor];
      }
    });
  }
};

}  // namespace pretext::inline v0_1::kernels
