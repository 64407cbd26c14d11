// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/kernels/cpu/gemm/pack_panels.hpp>
#include <pretext/kernels/cpu/gemm/tile.hpp>
#include <pretext/kernels/cpu/simd/l2_normalize.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// The similarities s = u·uᵀ/τ, computed in square tiles and never stored. s is symmetric, so a tile of row
/// blocks (a, b) also stands for (b, a). Tiles are visited in a round-robin schedule: no two tiles of a round
/// share a row block, so a round runs in parallel without atomics, and every sum has a fixed order.
template <class T>
class similarity_tiles {
 public:
  static constexpr std::size_t side = 96;  // a multiple of the rows and the columns of every register tile
  static_assert(side % max_tile_rows == 0 && side % max_panel_width<T> == 0);
  /// Similarities of one tile; the columns past the last row of z hold -infinity, and so does the diagonal.
  struct alignas(64) tile {
    T at[side][side];
    std::size_t first_row, rows, first_column, columns;
    bool mirrored;  ///< whether it also stands for its transpose
  };

  std::size_t rows, columns, blocks;
  T* unit;     // (rows, columns)
  T* inverse;  // (rows), u = z·inverse
  double temperature;

  template <class Context>
  similarity_tiles(Context& context, std::size_t count, std::size_t width, double tau, const T* z)
      : rows{count}, columns{width}, blocks{(count + side - 1) / side}, temperature{tau} {
    unit = context.workspace.template allocate<T>(rows * columns);
    inverse = context.workspace.template allocate<T>(rows);
    across_ = context.workspace.template allocate<T>(blocks * side * columns);
    down_ = context.workspace.template allocate<T>(blocks * side * padded_columns());
    context.stream.for_each_block(blocks, [&](std::size_t block) {
      const std::size_t first = block * side, used = std::min(side, rows - first);
      for (std::size_t row = first; row < first + used; ++row) {
        inverse[row] = normalise_row(z + row * columns, unit + row * columns, columns);
      }
      const T* u = unit + first * columns;
      pack_panels(u, columns, used, std::size_t{1}, columns, across(block), 0, panels<T>(used),
                  panel_width<T>() * columns);
      pack_panels(u, used, columns, columns, std::size_t{1}, down(block), 0, panels<T>(columns),
                  panel_width<T>() * side);
    });
  }

  /// Calls `work(tile)` once for every pair of blocks.
  template <class Context, class Work>
  void for_each_tile(Context& context, const Work& work) const {
    const auto visit = [&](std::size_t a, std::size_t b) {
      tile t;
      fill(t, a, b);
      work(t);
    };
    context.stream.for_each_block(blocks, [&](std::size_t block) { visit(block, block); });
    const std::size_t seats = blocks + blocks % 2, rounds = seats - 1;  // with an odd count one seat is empty
    for (std::size_t round = 0; seats > 1 && round < rounds; ++round)
      context.stream.for_each_block(seats / 2, [&](std::size_t pair) {
        const std::size_t a = pair == 0 ? rounds : (round + pair) % rounds;
        const std::size_t b = (round + rounds - pair) % rounds;
        if (a < blocks && b < blocks) visit(std::min(a, b), std::max(a, b));
      });
  }

  /// sum[row] += Σ_column tile·u[column], and the same for the transpose where the tile is mirrored.
  void multiply(const tile& t, T* sum) const {
    const std::size_t panel = panel_width<T>() * side;
    for (std::size_t q = 0; q < panels<T>(columns); ++q) {
      const std::size_t column = q * panel_width<T>(), used = std::min(panel_width<T>(), columns - column);
      const T* right = down(t.first_column / side) + q * panel;
      for_each_strip(t.rows, [&](std::size_t row, std::size_t count) {
        const T* a[max_tile_rows];
        T* c[max_tile_rows];
        for (std::size_t r = 0; r < tile_rows(); ++r) {
          const std::size_t at = row + std::min(r, count - 1);
          a[r] = t.at[at];
          c[r] = sum + (t.first_row + at) * columns + column;
        }
        run_tile(gathered_product<T>{a, &right, 1, t.columns, c, count, used, true});
      });
      if (!t.mirrored) continue;
      const T* left[side];
      for (std::size_t r = 0; r < t.rows; ++r) left[r] = t.at[r];
      for_each_strip(t.columns, [&](std::size_t row, std::size_t count) {
        run_tile(outer_product<T>{left, row, down(t.first_row / side) + q * panel, panel_width<T>(), t.rows,
                                  sum + (t.first_column + row) * columns + column, columns, count, used,
                                  true});
      });
    }
  }

 private:
  std::size_t padded_columns() const { return panels<T>(columns) * panel_width<T>(); }
  T* across(std::size_t block) const { return across_ + block * side * columns; }
  T* down(std::size_t block) const { return down_ + block * side * padded_columns(); }

  template <class Work>
  static void for_each_strip(std::size_t count, const Work& work) {
    for (std::size_t row = 0; row < count; row += tile_rows()) work(row, std::min(tile_rows(), count - row));
  }

  void fill(tile& t, std::size_t a, std::size_t b) const {
    t.first_row = a * side;
    t.first_column = b * side;
    t.rows = std::min(side, rows - t.first_row);
    t.columns = std::min(side, rows - t.first_column);
    t.mirrored = a != b;
    for (std::size_t column = 0; column < t.columns; column += panel_width<T>()) {
      const T* right = across(b) + column * columns;
      for_each_strip(t.rows, [&](std::size_t row, std::size_t count) {
        const T* left[max_tile_rows];
        T* c[max_tile_rows];
        for (std::size_t r = 0; r < tile_rows(); ++r) {
          const std::size_t at = row + std::min(r, count - 1);
          left[r] = unit + (t.first_row + at) * columns;
          c[r] = &t.at[at][column];
        }
        run_tile(gathered_product<T>{left, &right, 1, columns, c, count, panel_width<T>(), false});
      });
    }
    const T scale = static_cast<T>(1 / temperature);
    for (std::size_t r = 0; r < t.rows; ++r) {
      for (T& s : t.at[r]) s *= scale;
      std::fill(t.at[r] + t.columns, t.at[r] + side, minus_infinity);
      if (!t.mirrored) t.at[r][r] = minus_infinity;
    }
  }

  static constexpr T minus_infinity = -pretext::detail::infinity<T>;
  T* across_;  // per block, uᵀ in panels: the right operand of the similarities
  T* down_;    // per block, u in panels: the right operand of the gradient
};

}  // namespace pretext::inline v0_1::kernels::detail
