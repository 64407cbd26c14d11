// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>

#include <pretext/kernels/cpu/gemm/pack_transposed.hpp>
#include <pretext/kernels/cpu/gemm/tile_shape.hpp>
#include <pretext/kernels/cpu/simd/prefetch.hpp>

namespace pretext::inline v0_1::kernels {

/// Packs panels [first_panel, last_panel) of a k×n matrix: panel j holds columns [j·width, (j+1)·width) as k
/// rows of `width` = `panel_width` elements, the last panel padded with zeros. Rows or columns are
/// contiguous: `column_step` or `row_step` is 1.
template <class T>
void pack_panels(const T* b, std::size_t k, std::size_t n, std::size_t row_step, std::size_t column_step,
                 T* packed, std::size_t first_panel, std::size_t last_panel, std::size_t panel_step) {
  const std::size_t width = panel_width<T>(), last = std::min(n, last_panel * width);
  const std::size_t first = first_panel * width, whole = last / width;
  if (column_step != 1) {
    for (std::size_t panel = first_panel; panel < last_panel; ++panel) {
      const std::size_t begin = panel * width;
      detail::pack_transposed(b + begin * column_step, k, std::min(last - begin, width), column_step,
                              packed + panel * panel_step);
    }
    return;
  }
  constexpr std::size_t line = 64 / sizeof(T);  // half of the widest panel, and the whole of the others
  for (std::size_t row = 0; row < k; ++row) {
    const T* from = b + row * row_step;
    const T* ahead = b + std::min(row + prefetch_distance, k - 1) * row_step;
    T* to = packed + row * width;
    for (std::size_t panel = first_panel; panel < whole; ++panel) {
      detail::prefetch_line(ahead + panel * width);
      if (width > line) detail::prefetch_line(ahead + panel * width + line);
      std::memcpy(to + panel * panel_step, from + panel * width, 64);
      if (width > line) std::memcpy(to + panel * panel_step + line, from + panel * width + line, 64);
    }
    if (whole < last_panel)
      std::copy(from + std::max(first, whole * width), from + last, to + whole * panel_step);
  }
  if (last_panel * width <= last) return;
  T* to = packed + whole * panel_step;
  for (std::size_t row = 0; row < k; ++row)
    std::fill(to + row * width + last - whole * width, to + (row + 1) * width, T{0});
}

}  // namespace pretext::inline v0_1::kernels
