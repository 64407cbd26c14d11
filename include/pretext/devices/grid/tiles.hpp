// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/bfloat16.hpp>
#include <pretext/core/host_device.hpp>

// The layout of tensor-core operands (`tile_sums`, devices/grid/kernel.hpp) in shared memory.
namespace pretext::inline v0_1::grid {

/// A Rows×Columns operand, row-major or `ColumnMajor`. Lines are padded by 16 bytes against bank conflicts.
template <unsigned Rows, unsigned Columns, bool ColumnMajor>
struct operand_tile {
  static constexpr unsigned rows = Rows, columns = Columns, lines = ColumnMajor ? Columns : Rows,
                            length = ColumnMajor ? Rows : Columns, stride = length + 8;
  static constexpr bool column_major = ColumnMajor;
  static_assert(rows % 16 == 0 && columns % 16 == 0, "tensor cores take squares of 16");
  alignas(32) bfloat16 of[lines][stride];

  PRETEXT_HOST_DEVICE const bfloat16& at(unsigned row, unsigned column) const {
    return ColumnMajor ? of[column][row] : of[row][column];
  }
};

/// A transposed view of a tile.
template <class Tile>
struct transposed {
  static constexpr unsigned rows = Tile::columns, columns = Tile::rows, stride = Tile::stride;
  static constexpr bool column_major = !Tile::column_major;
  const Tile& tile;

  PRETEXT_HOST_DEVICE const bfloat16& at(unsigned row, unsigned column) const { return tile.at(column, row); }
};
template <class Tile>
transposed(const Tile&) -> transposed<Tile>;

/// Restricts a product of tiles to these extents, rounded up to 16×16 squares; other sums stay unchanged.
struct product_limits {
  unsigned rows, columns, depth;

  PRETEXT_HOST_DEVICE constexpr bool has_row(unsigned r) const { return r < rows; }
  PRETEXT_HOST_DEVICE constexpr bool has_column(unsigned c) const { return c < columns; }
  PRETEXT_HOST_DEVICE constexpr bool has_depth(unsigned d) const { return d < depth; }
};
/// No restriction.
struct whole_product {
  PRETEXT_HOST_DEVICE static constexpr bool has_row(unsigned) { return true; }
  PRETEXT_HOST_DEVICE static constexpr bool has_column(unsigned) { return true; }
  PRETEXT_HOST_DEVICE static constexpr bool has_depth(unsigned) { return true; }
};

/// Shared memory through which each warp passes 16×16 sums, whose distribution over the threads is opaque: of
/// one operand of `visit`, or of both of `visit_pair`.
template <unsigned Threads, unsigned Tiles = 1>
struct sums_staging {
  static_assert(Threads % 32 == 0);
  alignas(32) float of[Threads / 32][Tiles][16 * 16];
};

}  // namespace pretext::inline v0_1::grid
