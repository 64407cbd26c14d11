#pragma once
#include <cstddef>

#include <pretext/core/bfloat16.hpp>
#include <pretext/core/host_device.hpp>

// What a block multiplies on tensor cores (`tile_sums`, devices/grid/kernel.hpp) lies in shared memory like
// this.
namespace pretext::grid {

/// Rows×Columns factors, row after row, or column after column where they are `ColumnMajor`; each such line
/// begins 16 bytes after the last one's end, apart from its banks.
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

/// The same factors where they lie, rows taken for columns.
template <class Tile>
struct transposed {
  static constexpr unsigned rows = Tile::columns, columns = Tile::rows, stride = Tile::stride;
  static constexpr bool column_major = !Tile::column_major;
  const Tile& tile;

  PRETEXT_HOST_DEVICE const bfloat16& at(unsigned row, unsigned column) const { return tile.at(column, row); }
};
template <class Tile>
transposed(const Tile&) -> transposed<Tile>;

/// How much of a product of tiles is wanted, in whole squares of 16: the sums beyond stay as they are.
struct product_limits {
  unsigned rows, columns, depth;

  PRETEXT_HOST_DEVICE constexpr bool has_row(unsigned r) const { return r < rows; }
  PRETEXT_HOST_DEVICE constexpr bool has_column(unsigned c) const { return c < columns; }
  PRETEXT_HOST_DEVICE constexpr bool has_depth(unsigned d) const { return d < depth; }
};
/// All of it.
struct whole_product {
  PRETEXT_HOST_DEVICE static constexpr bool has_row(unsigned) { return true; }
  PRETEXT_HOST_DEVICE static constexpr bool has_column(unsigned) { return true; }
  PRETEXT_HOST_DEVICE static constexpr bool has_depth(unsigned) { return true; }
};

/// Where each 32 of a block's threads lay down 16×16 of their sums, which no thread has whole before: of one
/// tile, or of several side by side.
template <unsigned Threads, unsigned Tiles = 1>
struct sums_staging {
  static_assert(Threads % 32 == 0);
  alignas(32) float of[Threads / 32][Tiles][16 * 16];
};

}  // namespace pretext::grid
