// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>

#include <pretext/kernels/cpu/gemm/tile_shape.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// Transposes a block of 4×4 four-byte elements: rows of `from` are `step` apart, rows of `to` are `width`
/// apart.
template <class T>
void transpose_four(const T* from, std::size_t step, T* to, std::size_t width) {
  static_assert(sizeof(T) == 4);
  typedef float quad __attribute__((vector_size(16)));
  quad a, b, c, d;
  std::memcpy(&a, from, sizeof a);
  std::memcpy(&b, from + step, sizeof b);
  std::memcpy(&c, from + 2 * step, sizeof c);
  std::memcpy(&d, from + 3 * step, sizeof d);
  const quad low = __builtin_shufflevector(a, b, 0, 4, 1, 5),
             high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const quad low2 = __builtin_shufflevector(c, d, 0, 4, 1, 5),
             high2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  const quad transposed[4] = {
      __builtin_shufflevector(low, low2, 0, 1, 4, 5), __builtin_shufflevector(low, low2, 2, 3, 6, 7),
      __builtin_shufflevector(high, high2, 0, 1, 4, 5), __builtin_shufflevector(high, high2, 2, 3, 6, 7)};
  for (std::size_t i = 0; i < 4; ++i) std::memcpy(to + i * width, &transposed[i], sizeof transposed[i]);
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
