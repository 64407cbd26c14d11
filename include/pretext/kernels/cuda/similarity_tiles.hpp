#pragma once
#include <cstddef>

#include <pretext/kernels/cuda/square_tile.hpp>

namespace pretext::grid {

/// The similarities s = u·uᵀ/τ in square tiles, none kept.
template <class T>
struct similarity_tiles {
  using tile = square_tile<T>;
  static constexpr std::size_t side = tile::side;
  std::size_t rows, columns;
  T scale;  ///< 1/τ
  const T* unit;

  PRETEXT_HOST_DEVICE constexpr std::size_t blocks() const { return ceil_div(rows, side); }
  /// In how many parts the columns are cut for each block of rows: enough of them for a large GPU, and few
  /// where there are many rows, so that memory stays O(rows).
  PRETEXT_HOST_DEVICE constexpr std::size_t parts() const {
    return smaller(256 / smaller(blocks(), 256), blocks());
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t tiles_of_part() const { return ceil_div(blocks(), parts()); }
  /// The tiles [first, last) of a part.
  PRETEXT_HOST_DEVICE constexpr std::size_t first_tile(std::size_t part) const {
    return part * tiles_of_part();
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t last_tile(std::size_t part) const {
    return smaller((part + 1) * tiles_of_part(), blocks());
  }

  PRETEXT_HOST_DEVICE rows_of<T> from(std::size_t first) const {
    return rows_of<T>{unit, columns, rows, columns}.from(first);
  }

  /// The similarities of rows from `top` on with rows from `left` on; -infinity on the diagonal and outside.
  template <class Block>
  PRETEXT_HOST_DEVICE void fill(Block& block, tile& square, typename tile::strips& memory, std::size_t top,
                                std::size_t left) const {
    square.dots(block, memory, from(top), from(left), [=, this](std::size_t r, std::size_t c, T dot) {
      const bool counts = top + r < rows && left + c < rows && top + r != left + c;
      return counts ? scale * dot : minus_infinity<T>();
    });
  }
};

}  // namespace pretext::grid
