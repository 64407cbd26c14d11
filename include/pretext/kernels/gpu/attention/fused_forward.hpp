#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/kernels/gpu/attention/heads.hpp>
#include <pretext/kernels/gpu/gemm/block_products.hpp>

namespace pretext::grid {

/// How one head's attention is cut into products on tensor cores: squares of 64 tokens by 64, heads that are
/// at most `Depth` wide.
template <unsigned Depth>
struct attention_squares {
  static constexpr unsigned threads = 256, side = 64;
  static constexpr float log2_of_e = 1.44269504f;
  using rows = staged_rows<side, Depth, threads>;  ///< of queries, keys, values or gradients
  using square = factor_tile<side, side, false>;   ///< of probabilities or their gradients
  attention_heads<bfloat16> heads;                 ///< which lie in whole pieces of eight

  PRETEXT_HOST_DEVICE constexpr std::size_t tokens() const { return heads.e.tokens; }
  PRETEXT_HOST_DEVICE constexpr std::size_t tiles() const { return ceil_div(tokens(), side); }
  PRETEXT_HOST_DEVICE constexpr std::size_t whole_squares() const { return ceil_div(tokens(), 16) * 16; }
  PRETEXT_HOST_DEVICE constexpr unsigned depth() const { return static_cast<unsigned>(heads.e.head_width()); }
  /// Tokens of the tile that begins there.
  PRETEXT_HOST_DEVICE constexpr unsigned count(std::size_t first) const {
    return static_cast<unsigned>(smaller(tokens() - first, side));
  }
};

/// y = softmax(q·kᵀ·scale)·v for 64 queries of a head, whose scores with all keys lie in shared memory.
template <unsigned Depth>
struct short_attention {
  using squares = attention_squares<Depth>;
  using rows = typename squares::rows;
  static constexpr unsigned threads = squares::threads, side = squares::side,
                            blocks_at_once = Depth > 64 ? 2 : 3;
  static constexpr unsigned sharing = threads / side;  ///< threads of a row
  struct shared {
    typename rows::tile queries, others;  ///< others: keys, then values
    typename squares::square p;
    sums_apart<threads> apart;
    float of_row[side][8], inverse[side];
  };
  squares all;
  bfloat16* y;
  float* log_sum;  ///< or null

  constexpr std::size_t blocks_of_head() const { return all.tiles(); }
  PRETEXT_HOST_DEVICE constexpr std::size_t stride() const { return all.whole_squares() + 4; }
  PRETEXT_HOST_DEVICE constexpr std::size_t dynamic_shared() const { return side * stride(); }

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    float* const scores = block.dynamic_shared();
    const std::size_t tiles = all.tiles(), unit = block.index() / tiles, top = block.index() % tiles * side;
    const auto keys = all.heads.rows(unit, 1), values = all.heads.rows(unit, 2);
    const unsigned queries = all.count(top), depth = all.depth();
    typename Block::template per_thread<rows> next;
    block.for_each_thread([&](unsigned thread) {
      next[thread].fetch(thread, all.heads.rows(unit, 0).from(top));
      next[thread].write(thread, memory.queries);
      next[thread].fetch(thread, keys);
    });
    for (std::size_t first = 0; first < all.tokens(); first += side) {
      const std::size_t after = first + side;
      block.for_each_thread([&](unsigned thread) {
        next[thread].write(thread, memory.others);
        next[thread].fetch(thread, after < all.tokens() ? keys.from(after) : values);
      });
      typename Block::template tile_sums<side, side> dots;
      const product_limits limits{queries, all.count(first), depth};
      dots.add(memory.queries, transposed{memory.others}, limits);
      dots.each(
          memory.apart,
          [&](unsigned r, unsigned c, const float* eight) {
            store<8>(scores + r * stride() + first + c, load<8>(eight));
            float& most = memory.of_row[r][c / 8];
            float largest = first == 0 ? minus_infinity<float>() : most;
            for (unsigned k = 0; k < 8; ++k)
              if (first + c + k < all.tokens() && eight[k] > largest) largest = eight[k];
            most = largest;
          },
          limits);
    }
    block.for_each_thread([](unsigned) {});  // all scores are there
    typename Block::template per_thread<softmax_of_row> own;
    typename Block::template tile_sums<side, Depth> mixed;
    for (std::size_t first = 0; first < all.tokens(); first += side) {
      const std::size_t after = first + side;
      block.for_each_thread([&](unsigned thread) {
        next[thread].write(thread, memory.others);
        if (after < all.tokens()) next[thread].fetch(thread, values.from(after));
        const unsigned row = thread / sharing;
        if (row >= queries) return;
        if (first == 0) own[thread].largest = largest_of(memory.of_row[row]);
        for (unsigned c = thread % sharing * 8; c < side; c += sharing * 8)
          put_eight(memory.p, row, c, weights(own[thread], scores + row * stride() + first + c, first + c));
      });
      mixed.add(memory.p, memory.others, product_limits{queries, depth, all.count(first)});
    }
    block.for_each_thread(
        [&](unsigned thread) { memory.of_row[thread / sharing][thread % sharing] = own[thread].sum; });
    block.for_each_thread([&](unsigned thread) {
      const unsigned row = thread / sharing;
      if (thread % sharing != 0 || row >= queries) return;
      float sum = 0;
      for (unsigned k = 0; k < sharing; ++k) sum += memory.of_row[row][k];
      memory.inverse[row] = 1 / sum;
      if (log_sum)
        log_sum[unit * all.tokens() + top + row] = own[thread].largest * all.heads.scale + std::log(sum);
    });
    const auto to = all.heads.mixed_in(y, unit).from(top);
    mixed.each(
        memory.apart,
        [&](unsigned r, unsigned c, const float* eight) {
          auto numbers = load<8>(eight);
          for (unsigned k = 0; k < 8; ++k) numbers[k] *= memory.inverse[r];
          to.put(r, c, numbers);
        },
        product_limits{queries, depth, 0});
  }

 private:
  /// What a thread knows of its row: the largest score, and the sum of the weights that it made.
  struct softmax_of_row {
    float largest, sum;
  };

  /// A row of one tile may have fewer than eight groups of keys.
  PRETEXT_HOST_DEVICE float largest_of(const float (&groups)[8]) const {
    float largest = minus_infinity<float>();
    for (unsigned k = 0; k < 8; ++k)
      if (k * 8 < all.whole_squares() && groups[k] > largest) largest = groups[k];
    return largest;
  }

  /// exp((score - largest)·scale) of eight keys, 0 where there is none.
  PRETEXT_HOST_DEVICE vec<float, 8> weights(softmax_of_row& own, const float* scores, std::size_t key) const {
    vec<float, 8> made{};
    for (unsigned k = 0; k < 8; ++k)
      if (key + k < all.tokens()) {
        made[k] = std::exp2((scores[k] - own.largest) * (all.heads.scale * squares::log2_of_e));
        own.sum += made[k];
      }
    return made;
  }
};

}  // namespace pretext::grid
