// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/gpu/block/square_tile.hpp>
#include <pretext/kernels/gpu/gemm/block_products.hpp>

// Similarities s = u·uᵀ/τ of unit vectors in square tiles that are computed, used and dropped, so memory
// stays O(rows). A block fills a tile with a function of the similarities and can multiply the tile by the
// vectors again.
namespace pretext::inline v0_1::grid {

/// The extents (two rows per image) and the division of the work.
struct similarity_extents {
  static constexpr std::size_t side = 64;
  std::size_t rows, columns;

  /// The stride of rows of vectors and of sums: columns rounded up to a multiple of 8.
  PRETEXT_HOST_DEVICE constexpr std::size_t stride() const { return ceil_div(columns, 8) * 8; }
  PRETEXT_HOST_DEVICE constexpr std::size_t blocks() const { return ceil_div(rows, side); }
  /// Parts into which the columns are divided for each block of rows: enough to occupy a large GPU, but few
  /// if there are many rows, so that memory stays O(rows).
  PRETEXT_HOST_DEVICE constexpr std::size_t parts() const {
    return smaller(256 / smaller(blocks(), 256), blocks());
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t tiles_per_part() const { return ceil_div(blocks(), parts()); }
  /// The tiles [first, last) of a part.
  PRETEXT_HOST_DEVICE constexpr std::size_t first_tile(std::size_t part) const {
    return part * tiles_per_part();
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t last_tile(std::size_t part) const {
    return smaller((part + 1) * tiles_per_part(), blocks());
  }

  /// Whether the loss includes this similarity: both rows exist and differ.
  PRETEXT_HOST_DEVICE constexpr bool included(std::size_t i, std::size_t j) const {
    return i < rows && j < rows && i != j;
  }
  /// The other view of the row's image.
  PRETEXT_HOST_DEVICE constexpr std::size_t positive(std::size_t row) const {
    return row < rows / 2 ? row + rows / 2 : row - rows / 2;
  }
};

/// On ordinary cores, for vectors of any type.
template <class T>
struct similarity_tiles : similarity_extents {
  using compute_type = T;
  using weights = square_tile<T>;
  using memory = typename weights::strips;
  static constexpr unsigned threads = weights::threads;
  static constexpr std::size_t wide = side;  ///< columns per product
  static_assert(side == weights::side);
  T scale;  ///< 1/τ
  const T* unit;

  PRETEXT_HOST_DEVICE rows_of<T> from(std::size_t first) const {
    return rows_of<T>{unit, stride(), rows, columns}.from(first);
  }

  /// to(r, c) = finish(r, c, similarity of rows top + r and first + c).
  template <class Block, class Finish>
  PRETEXT_HOST_DEVICE void fill(Block& block, memory& strips, square_tile<T>& to, std::size_t top,
                                std::size_t first, std::size_t, bool, const Finish& finish) const {
    to.dots(block, strips, from(top), from(first),
            [&](std::size_t r, std::size_t c, T dot) { return finish(r, c, scale * dot); });
  }

  template <class Block>
  using sums = typename Block::template per_thread<typename weights::fragment>;
  /// Adds a tile times `wide` columns, starting at `left`, of the vectors starting at `first`.
  template <class Block>
  PRETEXT_HOST_DEVICE void multiply(Block& block, memory& strips, const weights& weights_tile,
                                    std::size_t first, std::size_t left, sums<Block>& sum) const {
    weights_tile.template multiply<false>(block, strips, from(first), left, sum);
  }
  template <class Block>
  PRETEXT_HOST_DEVICE void store(Block& block, memory&, sums<Block>& sum, std::size_t left,
                                 const rows_to<T>& to) const {
    weights::store_entries(block, sum,
                           [&](std::size_t r, std::size_t c, T value) { to(r, left + c, value); });
  }
};

/// On tensor cores: vectors and weights are rounded to bfloat16.
template <>
struct similarity_tiles<bfloat16> : similarity_extents {
  using compute_type = float;
  static constexpr unsigned threads = square_tile<float>::threads, wide = 128;
  using weights = operand_tile<side, side, false>;
  using staged = staged_rows<side, wide, threads>;
  struct memory {
    staged::tile left, right;
    sums_staging<threads> staging;
  };
  float scale;
  const bfloat16* unit;

  PRETEXT_HOST_DEVICE rows_of<bfloat16> from(std::size_t first) const {
    return rows_of<bfloat16>{unit, stride(), rows, columns}.from(first);
  }

  /// The chunks of columns are visited such that the last one is the chunk at `left`, which stays in shared
  /// memory for `multiply`. If the vectors have one chunk only, the left operand is loaded once for all
  /// tiles of a block.
  template <class Block, class To, class Finish>
  PRETEXT_HOST_DEVICE void fill(Block& block, memory& operands, To& to, std::size_t top, std::size_t first,
                                std::size_t left, bool first_of_part, const Finish& finish) const {
    typename Block::template per_thread<staged> operand;
    typename Block::template tile_sums<side, side> dots;
    const std::size_t chunks = ceil_div(columns, wide);
    for (std::size_t step = 1; step <= chunks; ++step) {
      const std::size_t column = (left / wide + step) % chunks * wide;
      const bool fetches_left = first_of_part || chunks > 1;
      block.for_each_thread([&](unsigned thread) {
        staged& local = operand[thread];
        if (fetches_left) {
          local.fetch(thread, from(top), column);
          local.write(thread, operands.left);
        }
        local.fetch(thread, from(first), column);
        local.write(thread, operands.right);
      });
      dots.add(operands.left, transposed{operands.right}, limits(side, column));
    }
    dots.visit(operands.staging, [&](unsigned r, unsigned c, const float* chunk) {
      vec<float, 8> values;
      for (unsigned k = 0; k < 8; ++k) values[k] = finish(r, c + k, scale * chunk[k]);
      store8(to, r, c, values);
    });
    block.for_each_thread([](unsigned) {});
  }

  template <class Block>
  using sums = typename Block::template tile_sums<side, wide>;
  template <class Block>
  PRETEXT_HOST_DEVICE void multiply(Block&, memory& operands, const weights& weights_tile, std::size_t,
                                    std::size_t left, sums<Block>& sum) const {
    sum.add(weights_tile, operands.right, product_limits{side, within(left), side});
  }
  template <class Block>
  PRETEXT_HOST_DEVICE void store(Block&, memory& operands, sums<Block>& sum, std::size_t left,
                                 const rows_to<float>& to) const {
    sum.visit(operands.staging,
              [&](unsigned r, unsigned c, const float* chunk) { to.store8(r, left + c, load<8>(chunk)); });
  }

 private:
  PRETEXT_HOST_DEVICE unsigned within(std::size_t left) const {
    return static_cast<unsigned>(smaller(columns - left, wide));
  }
  PRETEXT_HOST_DEVICE product_limits limits(unsigned across, std::size_t column) const {
    return {side, across, within(column)};
  }
};

}  // namespace pretext::inline v0_1::grid
