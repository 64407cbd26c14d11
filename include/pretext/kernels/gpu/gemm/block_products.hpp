// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/devices/grid/tiles.hpp>
#include <pretext/kernels/gpu/block/matrix_rows.hpp>
#include <pretext/kernels/gpu/block/square_tile.hpp>

// Loading and storing for the products of small matrices that a block computes in shared memory: rows are
// staged there as tensor-core operands, and results leave 8 at a time.
namespace pretext::inline v0_1::grid {

/// One thread's share of a Rows×Columns operand on its way from global to shared memory. The split into
/// fetch() and write() lets a block overlap the loads with computation.
template <unsigned Rows, unsigned Columns, unsigned Threads>
class staged_rows {
  static constexpr unsigned in_row = Columns / 8, chunks = Rows * in_row / Threads;
  static_assert(Columns % 8 == 0 && chunks * Threads == Rows * in_row);

 public:
  using tile = operand_tile<Rows, Columns, false>;

  /// Fetches columns from `left` on, zeros outside of the view. Rows must be 16-byte aligned and a multiple
  /// of 8 long.
  PRETEXT_HOST_DEVICE void fetch(unsigned thread, const rows_of<bfloat16>& from, std::size_t left = 0) {
    for (unsigned s = 0; s < chunks; ++s) {
      const std::size_t r = row(thread, s), c = left + column(thread, s);
      chunk_[s] = from.has(r, c) ? *reinterpret_cast<const chunk*>(from.where(r, c)) : chunk{};
    }
  }
  PRETEXT_HOST_DEVICE void write(unsigned thread, tile& to) const {
    for (unsigned s = 0; s < chunks; ++s)
      *reinterpret_cast<chunk*>(&to.of[row(thread, s)][column(thread, s)]) = chunk_[s];
  }

 private:
  using chunk = aligned_vec<bfloat16, 8>;

  /// Neighbouring threads read along a row; if the threads divide evenly into rows, all of a thread's
  /// chunks have one column.
  static constexpr bool evenly = Threads % in_row == 0;
  PRETEXT_HOST_DEVICE static unsigned row(unsigned thread, unsigned s) {
    return evenly ? thread / in_row + s * (Threads / in_row) : (thread + s * Threads) / in_row;
  }
  PRETEXT_HOST_DEVICE static unsigned column(unsigned thread, unsigned s) {
    return (evenly ? thread % in_row : (thread + s * Threads) % in_row) * 8;
  }
  chunk chunk_[chunks];
};

/// Stores 8 values of a row, either rounded as the next product's operand or in full precision.
template <unsigned Rows, unsigned Columns>
PRETEXT_HOST_DEVICE void store8(operand_tile<Rows, Columns, false>& to, unsigned row, unsigned column,
                                const vec<float, 8>& values) {
  store<8>(&to.of[row][column], values);
}
PRETEXT_HOST_DEVICE inline void store8(square_tile<float>& to, unsigned row, unsigned column,
                                       const vec<float, 8>& values) {
  for (unsigned k = 0; k < 8; ++k) to.at[row][column + k] = values[k];
}

}  // namespace pretext::inline v0_1::grid
