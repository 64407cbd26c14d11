// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/cpu/simd/isa.hpp>

namespace pretext::inline v0_1::kernels {

/// Rows and columns of a register tile.
struct tile_shape {
  std::size_t rows, columns;
};

/// The tile of an instruction set: with AVX-512 twelve rows of two 64-byte registers, else six rows of two
/// 32-byte ones.
template <class T>
constexpr tile_shape shape_of_tile(isa set) {
  return set >= isa::avx512 ? tile_shape{12, 128 / sizeof(T)} : tile_shape{6, 64 / sizeof(T)};
}

/// Rows of the tile in use, and their maximum, the size of callers' arrays.
inline std::size_t tile_rows() { return shape_of_tile<float>(best_isa()).rows; }
inline constexpr std::size_t max_tile_rows = 12;

/// Columns of the tile in use, which are the columns of a packed panel, and their maximum.
template <class T>
std::size_t panel_width() {
  return shape_of_tile<T>(best_isa()).columns;
}
template <class T>
inline constexpr std::size_t max_panel_width = 128 / sizeof(T);

template <class T>
std::size_t panels(std::size_t columns) {
  return (columns + panel_width<T>() - 1) / panel_width<T>();
}

/// Packing prefetches this many rows ahead: rows of a few cache lines are too short for the hardware
/// prefetcher.
inline constexpr std::size_t prefetch_distance = 16;

}  // namespace pretext::inline v0_1::kernels
