// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/kernels/cpu/gemm/pack_panels.hpp>
#include <pretext/kernels/cpu/gemm/tile.hpp>

// Small matrix products on one thread, whose right operand is packed once and used more than once: what
// attention and convolutions of few channels need of the register tiles.
namespace pretext::inline v0_1::kernels::detail {

/// `columns` rounded up to whole panels.
template <class T>
std::size_t whole_panels(std::size_t columns) {
  return panels<T>(columns) * panel_width<T>();
}

/// Packs B (depth × columns), whose rows are `step` apart, into depth·whole_panels(columns) elements.
template <class T>
void pack_operand(const T* b, std::size_t depth, std::size_t columns, std::size_t step, T* packed) {
  pack_panels(b, depth, columns, step, std::size_t{1}, packed, 0, panels<T>(columns),
              depth * panel_width<T>());
}

/// C (rows × columns) (+)= A·B; rows of A and C are `a_step` and `c_step` apart, B is packed.
template <class T>
void packed_product(const T* a, std::size_t a_step, std::size_t rows, std::size_t depth, const T* packed,
                    std::size_t columns, T* c, std::size_t c_step, bool accumulate) {
  const std::size_t width = panel_width<T>(), height = tile_rows();
  for (std::size_t row = 0; row < rows; row += height) {
    const std::size_t used_rows = std::min(height, rows - row);
    const T* left[max_tile_rows];
    T* result[max_tile_rows];
    for (std::size_t r = 0; r < height; ++r) {
      const std::size_t at = row + std::min(r, used_rows - 1);
      left[r] = a + at * a_step;
      result[r] = c + at * c_step;
    }
    for (std::size_t first = 0; first < columns; first += width) {
      const T* right = packed + first * depth;
      run_tile(gathered_product<T>{left, &right, 1, depth, result, used_rows,
                                   std::min(width, columns - first), accumulate});
      for (std::size_t r = 0; r < height; ++r) result[r] += width;
    }
  }
}

/// The right operand of `outer_product_of`: B (depth × columns) itself if its rows are whole panels, else a
/// packed copy.
template <class T>
struct row_operand {
  const T* first;
  std::size_t panel_step, row_step;

  static bool needs_copy(std::size_t columns) { return columns % panel_width<T>() != 0; }
  row_operand(const T* b, std::size_t depth, std::size_t columns, std::size_t step, T* copy)
      : first{b}, panel_step{panel_width<T>()}, row_step{step} {
    if (!needs_copy(columns)) return;
    pack_operand(b, depth, columns, step, copy);
    *this = {copy, depth * panel_width<T>(), panel_width<T>()};
  }

 private:
  row_operand(const T* at, std::size_t panel, std::size_t row)
      : first{at}, panel_step{panel}, row_step{row} {}
};

/// C (m × columns) = Aᵀ·B, the `depth` rows of A given by pointers.
template <class T>
void outer_product_of(const T* const* a, std::size_t depth, std::size_t m, const row_operand<T>& b,
                      std::size_t columns, T* c, std::size_t c_step) {
  const std::size_t width = panel_width<T>(), height = tile_rows();
  for (std::size_t row = 0; row < m; row += height)
    for (std::size_t first = 0; first < columns; first += width)
      run_tile(outer_product<T>{a, row, b.first + first / width * b.panel_step, b.row_step, depth,
                                c + row * c_step + first, c_step, std::min(height, m - row),
                                std::min(width, columns - first), false});
}

}  // namespace pretext::inline v0_1::kernels::detail
