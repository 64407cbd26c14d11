#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>

#include <pretext/kernels/cpu/isa.hpp>

namespace pretext::kernels {

/// Rows and columns of the register tile of an instruction set.
struct tile_shape {
  std::size_t rows, columns;
};

/// Twelve rows and two registers of 64 bytes under AVX-512, six and twice that of 32 bytes before it.
template <class T>
constexpr tile_shape shape_of_tile(isa set) {
  return set == isa::avx512 ? tile_shape{12, 128 / sizeof(T)} : tile_shape{6, 64 / sizeof(T)};
}

/// Rows of the tile in use, and the most that any has: what a caller's arrays must hold.
inline std::size_t tile_rows() { return shape_of_tile<float>(best_isa()).rows; }
inline constexpr std::size_t most_tile_rows = 12;

/// Columns of the tile in use, which are those of a packed panel, and the most that any has.
template <class T>
std::size_t panel_width() {
  return shape_of_tile<T>(best_isa()).columns;
}
template <class T>
inline constexpr std::size_t widest_panel = 128 / sizeof(T);

template <class T>
std::size_t panels(std::size_t columns) {
  return (columns + panel_width<T>() - 1) / panel_width<T>();
}

/// Copies a k×n matrix, row-major or transposed, into panels of `panel_width` columns, the last filled up
/// with zeros: panel j holds columns [j·width, …) as k rows of `width` numbers.
template <class T>
void pack_panels(const T* b, std::size_t k, std::size_t n, std::size_t row_step, std::size_t column_step,
                 T* packed, std::size_t first_panel, std::size_t last_panel, std::size_t panel_step) {
  const std::size_t whole = panel_width<T>();
  for (std::size_t panel = first_panel; panel < last_panel; ++panel) {
    const std::size_t first = panel * whole, width = std::min(whole, n - first);
    T* to = packed + panel * panel_step;
    const T* from = b + first * column_step;
    if (column_step == 1 && width == whole) {
      for (std::size_t row = 0; row < k; ++row, to += whole, from += row_step) {
        std::memcpy(to, from, 64);
        if (whole == widest_panel<T>) std::memcpy(to + whole / 2, from + whole / 2, 64);
      }
      continue;
    }
    for (std::size_t row = 0; row < k; ++row, to += whole, from += row_step) {
      for (std::size_t j = 0; j < width; ++j) to[j] = from[j * column_step];
      for (std::size_t j = width; j < whole; ++j) to[j] = T{0};
    }
  }
}

}  // namespace pretext::kernels
