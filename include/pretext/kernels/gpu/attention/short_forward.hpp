// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/devices/grid/tiles.hpp>
#include <pretext/kernels/gpu/attention/heads.hpp>
#include <pretext/kernels/gpu/block/warp_squares.hpp>

namespace pretext::inline v0_1::grid {

/// The most tokens of a head whose scores fit into the registers of a block's warps.
inline constexpr unsigned most_short_tokens = 64;

/// Divides the attention of a head of at most 64 tokens, at most `Depth` wide, among warps: each computes 16
/// rows, whose scores and sums stay in its registers.
template <unsigned Depth>
struct short_attention_tiling {
  static constexpr unsigned threads = 128, side = most_short_tokens, squares = side / 16, deep = Depth / 16;
  using tile = operand_tile<side, Depth, false>;
  using chunk = aligned_vec<bfloat16, 8>;
  attention_heads<bfloat16> heads;  ///< rows 16-byte aligned

  PRETEXT_HOST_DEVICE unsigned tokens() const { return static_cast<unsigned>(heads.e.tokens); }
  PRETEXT_HOST_DEVICE unsigned width() const { return static_cast<unsigned>(heads.head_width); }
  PRETEXT_HOST_DEVICE unsigned step_of_qkv() const { return 3 * step_of_y(); }
  PRETEXT_HOST_DEVICE unsigned step_of_y() const { return static_cast<unsigned>(heads.e.width); }
  /// Does this square of rows contain tokens?
  PRETEXT_HOST_DEVICE bool has_tokens(unsigned square) const { return square * 16 < tokens(); }

  /// Starts to copy rows to a tile, zeros outside of them, as far as products read.
  template <class Block, class Tile>
  PRETEXT_HOST_DEVICE void copy_rows(Block& block, unsigned thread, const bfloat16* from, unsigned step,
                                     Tile& to) const {
    for_each_chunk<side, threads>(thread, [&](unsigned row, unsigned column) {
      if (row >= (tokens() + 15) / 16 * 16) return;
      const bool exists = row < tokens() && column < width();
      block.copy_later(&to.of[row][column], from + (exists ? row * step + column : 0), exists);
    });
  }

  /// Stores the warp's 16 rows from the top-th on, which its lanes have written to the tile.
  template <class Warp, class Tile>
  PRETEXT_HOST_DEVICE void store_rows(const Warp& warp, const Tile& from, unsigned top, bfloat16* to,
                                      unsigned step) const {
    warp.barrier();
    warp.for_each_lane([&](unsigned lane) {
      for_each_chunk<16, 32>(lane, [&](unsigned row, unsigned column) {
        if (top + row < tokens() && column < width())
          *reinterpret_cast<chunk*>(to + ((top + row) * step + column)) =
              *reinterpret_cast<const chunk*>(&from.of[top + row][column]);
      });
    });
    warp.barrier();
  }

 private:
  /// Calls work(row, column) for a thread's chunks of `Rows` rows.
  template <unsigned Rows, unsigned Threads, class Work>
  PRETEXT_HOST_DEVICE static void for_each_chunk(unsigned thread, const Work& work) {
    constexpr unsigned in_row = Depth / 8, count = Rows * in_row / Threads;
    static_assert(count * Threads == Rows * in_row);
    for (unsigned s = 0; s < count; ++s)
      if constexpr (Threads % in_row == 0)
        work(thread / in_row + s * (Threads / in_row), thread % in_row * 8);
      else
        work((thread + s * Threads) / in_row, (thread + s * Threads) % in_row * 8);
  }
};

/// 2^x by the GPU's approximation, which returns 0 instead of a subnormal number.
PRETEXT_HOST_DEVICE inline float fast_exp2(float x) {
#ifdef __CUDA_ARCH__
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
#else
  return std::exp2(x);
#endif
}

/// y = softmax(q·kᵀ·scale)·v of a head.
template <unsigned Depth>
struct short_attention {
  using tiling = short_attention_tiling<Depth>;
  static constexpr unsigned threads = tiling::threads, squares = tiling::squares, deep = tiling::deep;
  struct shared {
    typename tiling::tile queries, keys, values;
  };
  tiling all;
  bfloat16* y;
  float* log_sum;  ///< may be null

  constexpr std::size_t blocks_per_head() const { return 1; }

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    const std::size_t unit = block.index();
    const auto at = all.heads.offsets_of(unit);
    block.without_barrier([&](unsigned thread) {
      const bfloat16* const from = all.heads.qkv + at.qkv;
      all.copy_rows(block, thread, from, all.step_of_qkv(), memory.queries);
      all.copy_rows(block, thread, from + all.step_of_y(), all.step_of_qkv(), memory.keys);
      all.copy_rows(block, thread, from + 2 * all.step_of_y(), all.step_of_qkv(), memory.values);
    });
    block.finish_copies();
    block.for_each_warp([&](const typename Block::warp& warp) {
      using Warp = typename Block::warp;
      const unsigned top = warp.index() * 16;
      if (top >= all.tokens()) return;
      typename Warp::template per_lane<square_operand> queries[deep], left, right;
      for (unsigned k = 0; k < deep; ++k)
        warp.load_square(queries[k],
                         [&](unsigned lane) { return part_of_left(memory.queries, top, k * 16, lane); });
      typename Warp::template per_lane<square_sums> scores[squares], outputs[deep];
      for (unsigned n = 0; n < squares; ++n)
        if (all.has_tokens(n))
          for (unsigned k = 0; k < deep; ++k) {
            warp.load_square(
                right, [&](unsigned lane) { return part_of_transpose(memory.keys, n * 16, k * 16, lane); });
            warp.multiply(scores[n], queries[k], right);
          }
      typename Warp::template per_lane<float> largest[2], sum[2];
      warp.for_each_lane([&](unsigned lane) { find_largest(scores, lane, largest); });
      for (auto& row : largest)
        warp.template combine<4>(row, [](float a, float b) { return std::fmax(a, b); });
      warp.for_each_lane([&](unsigned lane) { take_weights(scores, lane, largest, sum); });
      for (auto& row : sum) warp.template combine<4>(row, [](float a, float b) { return a + b; });
      for (unsigned n = 0; n < squares; ++n)
        if (all.has_tokens(n)) {
          warp.for_each_lane([&](unsigned lane) { left[lane] = rounded_operand(scores[n][lane]); });
          for (unsigned k = 0; k < deep; ++k) {
            warp.load_transposed_square(
                right, [&](unsigned lane) { return part_of_left(memory.values, n * 16, k * 16, lane); });
            warp.multiply(outputs[k], left, right);
          }
        }
      warp.barrier();  // the warp has read its queries, in whose place its outputs are stored
      warp.for_each_lane([&](unsigned lane) {
        const float upper = 1 / sum[0][lane], lower = 1 / sum[1][lane];
        for (unsigned k = 0; k < deep; ++k)
          store_square(memory.queries, top, k * 16, lane, scaled_operand(outputs[k][lane], upper, lower));
        if (!log_sum || lane % 4 != 0) return;
        for (unsigned half = 0; half < 2; ++half)
          if (const unsigned row = top + square_sums::row(lane, 2 * half); row < all.tokens())
            log_sum[unit * all.tokens() + row] =
                largest[half][lane] * all.heads.scale + std::log(sum[half][lane]);
      });
      all.store_rows(warp, memory.queries, top, y + at.y, all.step_of_y());
    });
  }

 private:
  /// The largest scores of a lane's two rows; scores beyond the last key become -infinity.
  template <class Scores, class Values>
  PRETEXT_HOST_DEVICE void find_largest(Scores& scores, unsigned lane, Values& largest) const {
    float found[2] = {minus_infinity<float>(), minus_infinity<float>()};
    for (unsigned n = 0; n < squares; ++n) {
      if (!all.has_tokens(n)) continue;
      const bool whole = n * 16 + 16 <= all.tokens();
      for (unsigned k = 0; k < 8; ++k) {
        float& score = scores[n][lane].of[k];
        if (!whole && n * 16 + square_sums::column(lane, k) >= all.tokens()) score = minus_infinity<float>();
        float& of_row = found[k / 2 % 2];
        of_row = std::fmax(of_row, score);
      }
    }
    for (unsigned half = 0; half < 2; ++half) largest[half][lane] = found[half];
  }

  /// Replaces scores by exp((score - largest)·scale), and sums these.
  template <class Scores, class Values>
  PRETEXT_HOST_DEVICE void take_weights(Scores& scores, unsigned lane, Values& largest, Values& sum) const {
    const float scale = all.heads.scale * all.heads.log2_of_e;
    float sums[2] = {};
    for (unsigned n = 0; n < squares; ++n) {
      if (!all.has_tokens(n)) continue;
      for (unsigned k = 0; k < 8; ++k) {
        float& score = scores[n][lane].of[k];
        score = fast_exp2((score - largest[k / 2 % 2][lane]) * scale);
        sums[k / 2 % 2] += score;
      }
    }
    for (unsigned half = 0; half < 2; ++half) sum[half][lane] = sums[half];
  }
};

}  // namespace pretext::inline v0_1::grid
