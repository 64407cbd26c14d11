// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include <pretext/kernels/gpu/block/vector_access.hpp>

// The 16×16 squares that one warp multiplies on tensor cores, square_sums += square_operand·square_operand,
// in the layouts that PTX documents for mma.m16n8k16; a square is two of its results side by side. A lane
// holds four pairs of elements. Of sums and of a left operand they are neighbours in a row: the first pair is
// in row lane / 4 and column lane % 4 · 2, the second 8 rows below it, the others 8 columns to the right of
// these. So sums become a left operand without leaving their lane. Of a right operand they are neighbours in
// a column: the first pair is in column lane / 4 and row lane % 4 · 2, the others as above.
namespace pretext::inline v0_1::grid {

/// A lane's part of a square of bfloat16: four pairs, each in one register.
struct square_operand {
  std::uint32_t of[4];
};

/// A lane's part of a square of sums.
struct square_sums {
  float of[8];

  /// The row of a lane's k-th sum in the square.
  PRETEXT_HOST_DEVICE static constexpr unsigned row(unsigned lane, unsigned k) {
    return lane / 4 + k / 2 % 2 * 8;
  }
  PRETEXT_HOST_DEVICE static constexpr unsigned column(unsigned lane, unsigned k) {
    return lane % 4 * 2 + k % 2 + k / 4 * 8;
  }
};

/// Two numbers, rounded to bfloat16, in one register.
PRETEXT_HOST_DEVICE inline std::uint32_t rounded_pair(float first, float second) {
  return __builtin_bit_cast(std::uint32_t, pack<bfloat16>(vec<float, 2>{{first, second}}));
}
/// Rounds sums to bfloat16, as a left operand.
PRETEXT_HOST_DEVICE inline square_operand rounded_operand(const square_sums& sums) {
  square_operand rounded;
  for (unsigned pair = 0; pair < 4; ++pair)
    rounded.of[pair] = rounded_pair(sums.of[2 * pair], sums.of[2 * pair + 1]);
  return rounded;
}
/// The same of sums that are multiplied by the factor of their row: `upper` for the lane's first row, `lower`
/// for the one 8 rows below.
PRETEXT_HOST_DEVICE inline square_operand scaled_operand(square_sums sums, float upper, float lower) {
  for (unsigned k = 0; k < 8; ++k) sums.of[k] *= k / 2 % 2 == 0 ? upper : lower;
  return rounded_operand(sums);
}

/// Stores the square whose first element is tile.of[row][column], in the layout of a left operand.
template <class Tile>
PRETEXT_HOST_DEVICE void store_square(Tile& tile, unsigned row, unsigned column, unsigned lane,
                                      const square_operand& square) {
  bfloat16* const first = &tile.of[lane / 4][lane % 4 * 2] + (row * Tile::stride + column);
  for (unsigned pair = 0; pair < 4; ++pair)
    *reinterpret_cast<std::uint32_t*>(first + (pair % 2 * 8 * Tile::stride + pair / 2 * 8)) = square.of[pair];
}

/// Which 8 elements a lane names for `load_square` (devices/grid/kernel.hpp) in order to load the square that
/// begins at tile.of[row][column] as a left operand; all squares are at constant distances from one address
/// of the lane. With `load_transposed_square` it becomes a right operand.
template <class Tile>
PRETEXT_HOST_DEVICE const bfloat16* part_of_left(const Tile& tile, unsigned row, unsigned column,
                                                 unsigned lane) {
  return &tile.of[lane % 16][lane / 16 * 8] + (row * Tile::stride + column);
}
/// The same for the transpose of that square: a right operand with `load_square`, and a left one with
/// `load_transposed_square`.
template <class Tile>
PRETEXT_HOST_DEVICE const bfloat16* part_of_transpose(const Tile& tile, unsigned row, unsigned column,
                                                      unsigned lane) {
  return &tile.of[lane % 8 + lane / 16 * 8][lane / 8 % 2 * 8] + (row * Tile::stride + column);
}

}  // namespace pretext::inline v0_1::grid
