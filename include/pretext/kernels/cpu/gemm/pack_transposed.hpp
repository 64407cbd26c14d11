// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/kernels/cpu/gemm/tile_shape.hpp>
#include <pretext/kernels/cpu/simd/four_floats.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// Transposes a block of 4×4 four-byte elements: rows of `from` are `step` apart, rows of `to` are `width`
/// apart.
template <class T>
void transpose_four(const T* from, std::size_t step, T* to, std::size_t width) {
  static_assert(sizeof(T) == 4);
  const four_by_four block = transposed(load_four(from), load_four(from + step), load_four(from + 2 * step),
                                        load_four(from + 3 * step));
  for (std::size_t i = 0; i < 4; ++i) store_four(to + i * width, block.row[i]);
}

/// Packs Bᵀ into panels like `pack_panels`, where rows of B (columns × depth) are `step` apart, reading along
/// the rows of B.
template <class T>
void pack_transposed(const T* b, std::size_t depth, std::size_t columns, std::size_t step, T* packed) {
  const std::size_t width = panel_width<T>();
  for (std::size_t first = 0; first < columns; first += width, packed += depth * width) {
    const std::size_t used = std::min(width, columns - first);
    std::size_t j = 0;
    if constexpr (sizeof(T) == 4)
      for (; j + 4 <= used; j += 4) {
        const T* from = b + (first + j) * step;
        std::size_t k = 0;
        for (; k + 4 <= depth; k += 4) transpose_four(from + k, step, packed + k * width + j, width);
        for (; k < depth; ++k)
          for (std::size_t i = 0; i < 4; ++i) packed[k * width + j + i] = from[i * step + k];
      }
    for (; j < used; ++j)
      for (std::size_t k = 0; k < depth; ++k) packed[k * width + j] = b[(first + j) * step + k];
    for (std::size_t k = 0; used < width && k < depth; ++k)
      std::fill(packed + k * width + used, packed + (k + 1) * width, T{});
  }
}

}  // namespace pretext::inline v0_1::kernels::detail
