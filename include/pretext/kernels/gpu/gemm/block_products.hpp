#pragma once
#include <cstddef>

#include <pretext/devices/grid/tiles.hpp>
#include <pretext/kernels/gpu/block/matrix_rows.hpp>
#include <pretext/kernels/gpu/block/square_tile.hpp>

// What a block needs around products of small matrices that it has in shared memory: to bring some rows there
// as factors, and to take eight sums at a time to where they are read next.
namespace pretext::grid {

/// One thread's share of Rows×Columns factors on their way from a matrix to shared memory: fetched while the
/// block does something else, written when it is their turn.
template <unsigned Rows, unsigned Columns, unsigned Threads>
class staged_rows {
  static constexpr unsigned in_row = Columns / 8, pieces = Rows * in_row / Threads;
  static_assert(Columns % 8 == 0 && pieces * Threads == Rows * in_row);

 public:
  using tile = factor_tile<Rows, Columns, false>;

  /// The rows' columns from `left` on. They lie in whole pieces of 16 bytes, zeros where they end within one.
  PRETEXT_HOST_DEVICE void fetch(unsigned thread, const rows_of<bfloat16>& from, std::size_t left = 0) {
    for (unsigned s = 0; s < pieces; ++s) {
      const std::size_t r = row(thread, s), c = left + column(thread, s);
      piece_[s] = from.has(r, c) ? *reinterpret_cast<const piece*>(from.where(r, c)) : piece{};
    }
  }
  PRETEXT_HOST_DEVICE void write(unsigned thread, tile& to) const {
    for (unsigned s = 0; s < pieces; ++s)
      *reinterpret_cast<piece*>(&to.of[row(thread, s)][column(thread, s)]) = piece_[s];
  }

 private:
  using piece = aligned_vec<bfloat16, 8>;

  /// Neighbouring threads go along a row; where rows are shared out evenly, all pieces lie in one column.
  static constexpr bool evenly = Threads % in_row == 0;
  PRETEXT_HOST_DEVICE static unsigned row(unsigned thread, unsigned s) {
    return evenly ? thread / in_row + s * (Threads / in_row) : (thread + s * Threads) / in_row;
  }
  PRETEXT_HOST_DEVICE static unsigned column(unsigned thread, unsigned s) {
    return (evenly ? thread % in_row : (thread + s * Threads) % in_row) * 8;
  }
  piece piece_[pieces];
};

/// Eight numbers of a row as factors of the next product, or as they are.
template <unsigned Rows, unsigned Columns>
PRETEXT_HOST_DEVICE void put_eight(factor_tile<Rows, Columns, false>& to, unsigned row, unsigned column,
                                   const vec<float, 8>& numbers) {
  store<8>(&to.of[row][column], numbers);
}
PRETEXT_HOST_DEVICE inline void put_eight(square_tile<float>& to, unsigned row, unsigned column,
                                          const vec<float, 8>& numbers) {
  for (unsigned k = 0; k < 8; ++k) to.at[row][column + k] = numbers[k];
}

}  // namespace pretext::grid
