#pragma once
#include <cstddef>

#include <pretext/devices/grid.hpp>

namespace pretext::grid {

/// The similarities s = u·uᵀ/τ in square tiles, none kept: what one block of threads does with a tile.
template <class T>
struct similarity_tiles {
  static constexpr std::size_t side = 64, deep = 16;
  static constexpr unsigned threads = 256, each = 4;  // 16 x 16 threads with 4 x 4 numbers each
  struct memory {
    T at[side][side + 1];
    T left[deep][side + 4], right[deep][side + 4];
  };
  struct numbers {
    T of[each][each];
  };
  std::size_t rows, columns;
  T scale;  ///< 1/τ
  const T* unit;

  PRETEXT_HOST_DEVICE constexpr std::size_t blocks() const { return ceil_div(rows, side); }
  /// In how many parts the columns are cut for each block of rows: enough of them for a large GPU, and few
  /// where there are many rows, so that memory stays O(rows).
  PRETEXT_HOST_DEVICE constexpr std::size_t parts() const {
    const std::size_t wanted = 256 / smaller(blocks(), 256);
    return smaller(wanted, blocks());
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t tiles_of_part() const { return ceil_div(blocks(), parts()); }

  /// m.at = the similarities of rows from `top` and from `left` on; -infinity on the diagonal and outside.
  template <class Block>
  PRETEXT_HOST_DEVICE void fill(Block& block, memory& m, std::size_t top, std::size_t left) const {
    typename Block::template own<numbers> sum;
    for (std::size_t first = 0; first < columns; first += deep) {
      block.each([&](unsigned thread) {
        for (unsigned i = thread; i < side * deep; i += threads) {
          const unsigned r = i / deep, d = i % deep;
          const bool inside = first + d < columns;
          m.left[d][r] = inside && top + r < rows ? unit[(top + r) * columns + first + d] : T{0};
          m.right[d][r] = inside && left + r < rows ? unit[(left + r) * columns + first + d] : T{0};
        }
      });
      block.each([&](unsigned thread) {
        numbers& own = sum[thread];
        for (unsigned d = 0; d < deep; ++d)
          for (unsigned i = 0; i < each; ++i)
            for (unsigned j = 0; j < each; ++j)
              own.of[i][j] += m.left[d][thread / 16 * each + i] * m.right[d][thread % 16 * each + j];
      });
    }
    block.each([&](unsigned thread) {
      for (unsigned i = 0; i < each; ++i)
        for (unsigned j = 0; j < each; ++j) {
          const std::size_t r = thread / 16 * each + i, c = thread % 16 * each + j;
          const bool counts = top + r < rows && left + c < rows && top + r != left + c;
          m.at[r][c] = counts ? scale * sum[thread].of[i][j] : minus_infinity<T>();
        }
    });
  }
};

}  // namespace pretext::grid
