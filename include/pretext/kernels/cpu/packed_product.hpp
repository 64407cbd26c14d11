#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/kernels/cpu/tile.hpp>

// Small matrix products on one thread, their right operand packed once and used more than once: all that
// attention needs of the register tiles.
namespace pretext::kernels::detail {

/// `columns` filled up to whole panels.
template <class T>
std::size_t whole_panels(std::size_t columns) {
  return panels<T>(columns) * panel_width<T>();
}

/// Packs B (depth × columns), whose neighbours stand `row_step` and `column_step` apart, into
/// depth·whole_panels(columns) numbers.
template <class T>
void pack_operand(const T* b, std::size_t depth, std::size_t columns, std::size_t row_step,
                  std::size_t column_step, T* packed) {
  pack_panels(b, depth, columns, row_step, column_step, packed, 0, panels<T>(columns),
              depth * panel_width<T>());
}

/// C (rows × columns) = A·B; rows of A and C are `a_step` and `c_step` apart, B is packed.
template <class T>
void packed_product(const T* a, std::size_t a_step, std::size_t rows, std::size_t depth, const T* packed,
                    std::size_t columns, T* c, std::size_t c_step) {
  const std::size_t width = panel_width<T>(), height = tile_rows();
  for (std::size_t row = 0; row < rows; row += height) {
    const std::size_t used_rows = std::min(height, rows - row);
    const T* left[most_tile_rows];
    T* result[most_tile_rows];
    for (std::size_t r = 0; r < height; ++r) {
      const std::size_t at = row + std::min(r, used_rows - 1);
      left[r] = a + at * a_step;
      result[r] = c + at * c_step;
    }
    for (std::size_t first = 0; first < columns; first += width) {
      const T* right = packed + first * depth;
      run_tile(gathered_product<T>{left, &right, 1, depth, result, used_rows,
                                   std::min(width, columns - first), false});
      for (std::size_t r = 0; r < height; ++r) result[r] += width;
    }
  }
}

/// At most so many rows of A in one call of `packed_outer_product`.
inline constexpr std::size_t most_outer_rows = 48;

/// C (m × columns) (+)= Aᵀ·B over `count` rows of A and as many of B, whose packed whole is `depth` deep and
/// whose first row to use is `from`.
template <class T>
void packed_outer_product(const T* a, std::size_t a_step, std::size_t count, std::size_t m, const T* packed,
                          std::size_t depth, std::size_t from, std::size_t columns, T* c, std::size_t c_step,
                          bool accumulate) {
  const std::size_t width = panel_width<T>(), height = tile_rows();
  const T* rows[most_outer_rows];
  for (std::size_t i = 0; i < count; ++i) rows[i] = a + i * a_step;
  for (std::size_t first = 0; first < columns; first += width)
    for (std::size_t row = 0; row < m; row += height)
      run_tile(outer_product<T>{rows, row, packed + first * depth + from * width, width, count,
                                c + row * c_step + first, c_step, std::min(height, m - row),
                                std::min(width, columns - first), accumulate});
}

}  // namespace pretext::kernels::detail
