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
  return set >= isa::avx512 ? tile_shape{12, 128 / sizeof(T)} : tile_shape{6, 64 / sizeof(T)};
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

/// A copy asks this many rows ahead for what lies in memory: rows of a few cache lines are too short for the
/// processor to see where they lead.
inline constexpr std::size_t rows_ahead = 16;

/// Copies a k×n matrix, row-major or transposed, into panels of `panel_width` columns, the last filled up
/// with zeros: panel j holds columns [j·width, …) as k rows of `width` numbers.
template <class T>
void pack_panels(const T* b, std::size_t k, std::size_t n, std::size_t row_step, std::size_t column_step,
                 T* packed, std::size_t first_panel, std::size_t last_panel, std::size_t panel_step) {
  const std::size_t width = panel_width<T>(), last = std::min(n, last_panel * width);
  const std::size_t first = first_panel * width, whole = last / width;
  constexpr std::size_t line = 64 / sizeof(T);  // half of the widest panel, and all of the others
  if (column_step == 1) {
    for (std::size_t row = 0; row < k; ++row) {
      const T* from = b + row * row_step;
      const T* ahead = b + std::min(row + rows_ahead, k - 1) * row_step;
      T* to = packed + row * width;
      for (std::size_t panel = first_panel; panel < whole; ++panel) {
        __builtin_prefetch(ahead + panel * width);
        if (width > line) __builtin_prefetch(ahead + panel * width + line);
        std::memcpy(to + panel * panel_step, from + panel * width, 64);
        if (width > line) std::memcpy(to + panel * panel_step + line, from + panel * width + line, 64);
      }
      if (whole < last_panel)
        std::copy(from + std::max(first, whole * width), from + last, to + whole * panel_step);
    }
  } else {
    for (std::size_t panel = first_panel; panel < last_panel; ++panel)
      for (std::size_t row = 0; row < k; row += line)  // a transposed matrix is read a cache line at a time
        for (std::size_t column = panel * width; column < std::min(last, (panel + 1) * width); ++column)
          for (std::size_t i = row; i < std::min(k, row + line); ++i)
            packed[panel * panel_step + i * width + column - panel * width] =
                b[i * row_step + column * column_step];
  }
  if (last_panel * width <= last) return;
  T* to = packed + whole * panel_step;
  for (std::size_t row = 0; row < k; ++row)
    std::fill(to + row * width + last - whole * width, to + (row + 1) * width, T{0});
}

}  // namespace pretext::kernels
