// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/kernels/gpu/attention/heads.hpp>
#include <pretext/kernels/gpu/gemm/block_products.hpp>

namespace pretext::inline v0_1::grid {

/// Divides one head's attention into products on tensor cores: 64×64 tiles, heads at most `Depth` wide.
template <unsigned Depth>
struct fused_attention_tiling {
  static constexpr unsigned threads = 256, side = 64;
  using rows = staged_rows<side, Depth, threads>;  ///< of queries, keys, values or gradients
  using square = operand_tile<side, side, false>;  ///< of probabilities or their gradients
  attention_heads<bfloat16> heads;                 ///< rows 16-byte aligned

  PRETEXT_HOST_DEVICE constexpr std::size_t tokens() const { return heads.e.tokens; }
  PRETEXT_HOST_DEVICE constexpr std::size_t tiles() const { return ceil_div(tokens(), side); }
  PRETEXT_HOST_DEVICE constexpr std::size_t padded_tokens() const { return ceil_div(tokens(), 16) * 16; }
  PRETEXT_HOST_DEVICE constexpr unsigned depth() const { return static_cast<unsigned>(heads.head_width); }
  /// Tokens in the tile that starts at `first`.
  PRETEXT_HOST_DEVICE constexpr unsigned count(std::size_t first) const {
    return static_cast<unsigned>(smaller(tokens() - first, side));
  }
};

/// y = softmax(q·kᵀ·scale)·v for 64 queries of a head. The scores with all keys are stored in shared
/// memory, so softmax needs no rescaling.
template <unsigned Depth>
struct fused_attention {
  using tiling = fused_attention_tiling<Depth>;
  using rows = typename tiling::rows;
  static constexpr unsigned threads = tiling::threads, side = tiling::side,
                            blocks_at_once = Depth > 64 ? 2 : 3;
  static constexpr unsigned threads_per_row = threads / side;  ///< threads per row of the softmax
  struct shared {
    typename rows::tile queries, keys_or_values;  ///< keys first, then values
    typename tiling::square p;
    sums_staging<threads> staging;
    float partials[side][8], inverse[side];
  };
  tiling all;
  bfloat16* y;
  float* log_sum;  ///< may be null

  constexpr std::size_t blocks_per_head() const { return all.tiles(); }
  PRETEXT_HOST_DEVICE constexpr std::size_t stride() const { return all.padded_tokens() + 4; }
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
        next[thread].write(thread, memory.keys_or_values);
        next[thread].fetch(thread, after < all.tokens() ? keys.from(after) : values);
      });
      typename Block::template tile_sums<side, side> dots;
      const product_limits limits{queries, all.count(first), depth};
      dots.add(memory.queries, transposed{memory.keys_or_values}, limits);
      dots.visit(
          memory.staging,
          [&](unsigned r, unsigned c, const float* chunk) {
            store<8>(scores + r * stride() + first + c, load<8>(chunk));
            float& row_max = memory.partials[r][c / 8];
            float largest = first == 0 ? minus_infinity<float>() : row_max;
            for (unsigned k = 0; k < 8; ++k)
              if (first + c + k < all.tokens() && chunk[k] > largest) largest = chunk[k];
            row_max = largest;
          },
          limits);
    }
    block.for_each_thread([](unsigned) {});  // wait until all scores are stored
    typename Block::template per_thread<row_softmax> softmax;
    typename Block::template tile_sums<side, Depth> output;
    for (std::size_t first = 0; first < all.tokens(); first += side) {
      const std::size_t after = first + side;
      block.for_each_thread([&](unsigned thread) {
        next[thread].write(thread, memory.keys_or_values);
        if (after < all.tokens()) next[thread].fetch(thread, values.from(after));
        const unsigned row = thread / threads_per_row;
        if (row >= queries) return;
        if (first == 0) softmax[thread].largest = row_maximum(memory.partials[row]);
        for (unsigned c = thread % threads_per_row * 8; c < side; c += threads_per_row * 8)
          store8(memory.p, row, c, weights(softmax[thread], scores + row * stride() + first + c, first + c));
      });
      output.add(memory.p, memory.keys_or_values, product_limits{queries, depth, all.count(first)});
    }
    block.for_each_thread([&](unsigned thread) {
      memory.partials[thread / threads_per_row][thread % threads_per_row] = softmax[thread].sum;
    });
    block.for_each_thread([&](unsigned thread) {
      const unsigned row = thread / threads_per_row;
      if (thread % threads_per_row != 0 || row >= queries) return;
      float sum = 0;
      for (unsigned k = 0; k < threads_per_row; ++k) sum += memory.partials[row][k];
      memory.inverse[row] = 1 / sum;
      if (log_sum)
        log_sum[unit * all.tokens() + top + row] = softmax[thread].largest * all.heads.scale + std::log(sum);
    });
    const auto to = all.heads.output_rows(y, unit).from(top);
    output.visit(
        memory.staging,
        [&](unsigned r, unsigned c, const float* chunk) {
          auto scaled = load<8>(chunk);
          for (unsigned k = 0; k < 8; ++k) scaled[k] *= memory.inverse[r];
          to.store8(r, c, scaled);
        },
        product_limits{queries, depth, 0});
  }

 private:
  /// A thread's part of a row's softmax: the row's maximum and the sum of this thread's weights.
  struct row_softmax {
    float largest, sum;
  };

  /// Only groups of 8 keys below padded_tokens() have been written.
  PRETEXT_HOST_DEVICE float row_maximum(const float (&groups)[8]) const {
    float largest = minus_infinity<float>();
    for (unsigned k = 0; k < 8; ++k)
      if (k * 8 < all.padded_tokens() && groups[k] > largest) largest = groups[k];
    return largest;
  }

  /// exp((score - maximum)·scale) of 8 keys, 0 beyond the last key.
  PRETEXT_HOST_DEVICE vec<float, 8> weights(row_softmax& softmax, const float* scores,
                                            std::size_t key) const {
    vec<float, 8> weight{};
    for (unsigned k = 0; k < 8; ++k)
      if (key + k < all.tokens()) {
        weight[k] = std::exp2((scores[k] - softmax.largest) * (all.heads.scale * all.heads.log2_of_e));
        softmax.sum += weight[k];
      }
    return weight;
  }
};

}  // namespace pretext::inline v0_1::grid
