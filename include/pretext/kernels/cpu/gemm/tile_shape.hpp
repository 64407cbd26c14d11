#pragma once
#include <cstddef>

#include <pretext/kernels/cpu/simd/isa.hpp>

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

}  // namespace pretext::kernels
