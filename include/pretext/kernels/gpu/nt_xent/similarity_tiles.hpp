#pragma once
#include <cstddef>

#include <pretext/kernels/gpu/block/square_tile.hpp>
#include <pretext/kernels/gpu/gemm/block_products.hpp>

// The similarities s = u·uᵀ/τ of unit vectors in square tiles, none kept. A block of threads fills a tile
// with what it makes of them, and multiplies a tile by the vectors again.
namespace pretext::grid {

/// How many there are, two for each image, and how the work is shared out.
struct similarity_extents {
  static constexpr std::size_t side = 64;
  std::size_t rows, columns;

  /// How far rows of vectors and of sums lie apart: in whole pieces of eight.
  PRETEXT_HOST_DEVICE constexpr std::size_t step() const { return ceil_div(columns, 8) * 8; }
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

  /// Is this a similarity that the loss knows: of two rows that are not the same?
  PRETEXT_HOST_DEVICE constexpr bool counts(std::size_t i, std::size_t j) const {
    return i < rows && j < rows && i != j;
  }
  /// The other view of a row's image.
  PRETEXT_HOST_DEVICE constexpr std::size_t positive(std::size_t row) const {
    return row < rows / 2 ? row + rows / 2 : row - rows / 2;
  }
};

/// On ordinary cores, vectors of any type.
template <class T>
struct similarity_tiles : similarity_extents {
  using number = T;
  using weights = square_tile<T>;
  using memory = typename weights::strips;
  static constexpr unsigned threads = weights::threads;
  static constexpr std::size_t wide = side;  ///< columns that a block multiplies by at a time
  static_assert(side == weights::side);
  T scale;  ///< 1/τ
  const T* unit;

  PRETEXT_HOST_DEVICE rows_of<T> from(std::size_t first) const {
    return rows_of<T>{unit, step(), rows, columns}.from(first);
  }

  /// to(r, c) = finish(r, c, similarity of top + r and first + c).
  template <class Block, class Finish>
  PRETEXT_HOST_DEVICE void fill(Block& block, memory& strips, square_tile<T>& to, std::size_t top,
                                std::size_t first, std::size_t, bool, const Finish& finish) const {
    to.dots(block, strips, from(top), from(first),
            [&](std::size_t r, std::size_t c, T dot) { return finish(r, c, scale * dot); });
  }

  template <class Block>
  using sums = typename Block::template per_thread<typename weights::numbers>;
  /// Adds a tile times `wide` columns, from `left` on, of the vectors from `first` on.
  template <class Block>
  PRETEXT_HOST_DEVICE void multiply(Block& block, memory& strips, const weights& by, std::size_t first,
                                    std::size_t left, sums<Block>& sum) const {
    by.template multiply<false>(block, strips, from(first), left, sum);
  }
  template <class Block>
  PRETEXT_HOST_DEVICE void store(Block& block, memory&, sums<Block>& sum, std::size_t left,
                                 const rows_to<T>& to) const {
    weights::for_each_number(block, sum, [&](std::size_t r, std::size_t c, T one) { to(r, left + c, one); });
  }
};

/// On tensor cores: vectors rounded to bfloat16, and so is what they are multiplied by.
template <>
struct similarity_tiles<bfloat16> : similarity_extents {
  using number = float;
  static constexpr unsigned threads = square_tile<float>::threads, wide = 128;
  using weights = factor_tile<side, side, false>;
  using staged = staged_rows<side, wide, threads>;
  struct memory {
    staged::tile left, right;
    sums_apart<threads> apart;
  };
  float scale;
  const bfloat16* unit;

  PRETEXT_HOST_DEVICE rows_of<bfloat16> from(std::size_t first) const {
    return rows_of<bfloat16>{unit, step(), rows, columns}.from(first);
  }

  /// It ends with the chunk of `wide` columns that the block multiplies by, and leaves it where `multiply`
  /// finds it. Vectors of one chunk stay there for all tiles of a block, but for its first.
  template <class Block, class To, class Finish>
  PRETEXT_HOST_DEVICE void fill(Block& block, memory& operands, To& to, std::size_t top, std::size_t first,
                                std::size_t left, bool begins, const Finish& finish) const {
    typename Block::template per_thread<staged> kept;
    typename Block::template tile_sums<side, side> dots;
    const std::size_t chunks = ceil_div(columns, wide);
    for (std::size_t step = 1; step <= chunks; ++step) {
      const std::size_t column = (left / wide + step) % chunks * wide;
      const bool fetches_left = begins || chunks > 1;
      block.for_each_thread([&](unsigned thread) {
        staged& own = kept[thread];
        if (fetches_left) {
          own.fetch(thread, from(top), column);
          own.write(thread, operands.left);
        }
        own.fetch(thread, from(first), column);
        own.write(thread, operands.right);
      });
      dots.add(operands.left, transposed{operands.right}, limits(side, column));
    }
    dots.each(operands.apart, [&](unsigned r, unsigned c, const float* eight) {
      vec<float, 8> made;
      for (unsigned k = 0; k < 8; ++k) made[k] = finish(r, c + k, scale * eight[k]);
      put_eight(to, r, c, made);
    });
    block.for_each_thread([](unsigned) {});
  }

  template <class Block>
  using sums = typename Block::template tile_sums<side, wide>;
  template <class Block>
  PRETEXT_HOST_DEVICE void multiply(Block&, memory& operands, const weights& by, std::size_t,
                                    std::size_t left, sums<Block>& sum) const {
    sum.add(by, operands.right, product_limits{side, within(left), side});
  }
  template <class Block>
  PRETEXT_HOST_DEVICE void store(Block&, memory& operands, sums<Block>& sum, std::size_t left,
                                 const rows_to<float>& to) const {
    sum.each(operands.apart,
             [&](unsigned r, unsigned c, const float* eight) { to.put(r, left + c, load<8>(eight)); });
  }

 private:
  PRETEXT_HOST_DEVICE unsigned within(std::size_t left) const {
    return static_cast<unsigned>(smaller(columns - left, wide));
  }
  PRETEXT_HOST_DEVICE product_limits limits(unsigned across, std::size_t column) const {
    return {side, across, within(column)};
  }
};

}  // namespace pretext::grid
