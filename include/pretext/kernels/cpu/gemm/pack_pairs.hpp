// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/kernels/cpu/gemm/bfloat16_pairs.hpp>
#include <pretext/kernels/cpu/gemm/pack_panels.hpp>
#include <pretext/kernels/cpu/gemm/pack_transposed.hpp>
#include <pretext/kernels/cpu/gemm/tile_shape.hpp>

namespace pretext::inline v0_1::kernels {

/// `pack_panels` (pack_panels.hpp) for bfloat16 pairs down the columns: a panel is ⌈k/2⌉ rows of `width`
/// pairs.
inline void pack_panels(const float* b, std::size_t k, std::size_t n, std::size_t row_step,
                        std::size_t column_step, bfloat16_pair* packed, std::size_t first_panel,
                        std::size_t last_panel, std::size_t panel_step) {
  const std::size_t width = panel_width<bfloat16_pair>(), last = std::min(n, last_panel * width);
  constexpr std::size_t run = 64;  // depth that is in the L1 cache at a time
  if (column_step == 1) {
    const float* rows[run];
    for (std::size_t row = 0; row < k; row += run) {
      const std::size_t count = std::min(run, k - row);
      for (std::size_t i = 0; i < count; ++i) rows[i] = b + (row + i) * row_step + first_panel * width;
      detail::round_down_rows(rows, count, last - first_panel * width, 0, width,
                              packed + first_panel * panel_step + row / 2 * width, panel_step);
    }
    const std::size_t whole = last / width;
    if (last_panel * width <= last) return;
    for (std::size_t i = 0; i < operands<bfloat16_pair>(k); ++i) {
      bfloat16_pair* to = packed + whole * panel_step + i * width;
      std::fill(to + last - whole * width, to + width, bfloat16_pair{});
    }
    return;
  }
  bfloat16_pair pairs[max_panel_width<bfloat16_pair> * run / 2];
  for (std::size_t panel = first_panel; panel < last_panel; ++panel)
    for (std::size_t row = 0; row < k; row += run) {
      const std::size_t count = std::min(run, k - row), used = std::min(last - panel * width, width);
      detail::round_rows(b + panel * width * column_step + row, used, column_step, count, pairs, run / 2);
      detail::pack_transposed(pairs, operands<bfloat16_pair>(count), used, run / 2,
                              packed + panel * panel_step + row / 2 * width);
    }
}

}  // namespace pretext::inline v0_1::kernels
