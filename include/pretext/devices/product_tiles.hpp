#pragma once
#include <cstddef>

#include <pretext/core/bfloat16.hpp>
#include <pretext/core/host_device.hpp>

// What a block multiplies on tensor cores (`tile_sums`, devices/grid.hpp) lies in shared memory like this.
namespace pretext::grid {

/// Rows×Columns factors, row after row, or column after column where they are `Turned`; each such line begins
/// 16 bytes after the last one's end, apart from its banks.
template <unsigned Rows, unsigned Columns, bool Turned>
struct factor_tile {
  static constexpr unsigned rows = Rows, columns = Columns, lines = Turned ? Columns : Rows,
                            length = Turned ? Rows : Columns, stride = length + 8;
  static constexpr bool turned = Turned;
  static_assert(rows % 16 == 0 && columns % 16 == 0, "tensor cores take squares of 16");
  alignas(32) bfloat16 of[lines][stride];

  PRETEXT_HOST_DEVICE const bfloat16& at(unsigned row, unsigned column) const {
    return Turned ? of[column][row] : of[row][column];
  }
};

/// Where each 32 of a block's threads lay down 16×16 of their sums, which no thread has whole before.
template <unsigned Threads>
struct sums_apart {
  static_assert(Threads % 32 == 0);
  alignas(32) float of[Threads / 32][16 * 16];
};

}  // namespace pretext::grid
