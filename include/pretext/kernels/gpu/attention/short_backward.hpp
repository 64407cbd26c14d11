// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/gpu/attention/short_forward.hpp>

namespace pretext::inline v0_1::grid {

/// All gradients of a head of at most 64 tokens: dv = Pᵀ·dy, dk = dSᵀ·q·scale and dq = dS·k·scale (see
/// tiled_backward.hpp). A warp computes Pᵀ and dSᵀ of 16 keys; only dSᵀ passes through shared memory.
template <unsigned Depth>
struct short_attention_backward {
  using tiling = short_attention_tiling<Depth>;
  static constexpr unsigned threads = tiling::threads, side = tiling::side, squares = tiling::squares,
                            deep = tiling::deep, blocks_at_once = Depth > 64 ? 2 : 4;
  struct shared {
    typename tiling::tile queries, output_gradients, keys;
    operand_tile<side, (Depth > side ? Depth : side), false> values;  ///< then dSᵀ
    alignas(16) float offset[side], delta[side];  ///< of queries: -log_sum in base 2, and δ
  };
  tiling all;
  const float* log_sum;
  bfloat16* dqkv;

  constexpr std::size_t blocks_per_head() const { return 1; }

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    const std::size_t unit = block.index();
    const auto at = all.heads.offsets_of(unit);
    const unsigned step = all.step_of_y();
    typename Block::template per_thread<fetched_outputs> outputs;
    block.without_barrier([&](unsigned thread) {
      const bfloat16* const from = all.heads.qkv + at.qkv;
      all.copy_rows(block, thread, from, 3 * step, memory.queries);
      all.copy_rows(block, thread, all.heads.dy + at.y, step, memory.output_gradients);
      all.copy_rows(block, thread, from + step, 3 * step, memory.keys);
      all.copy_rows(block, thread, from + 2 * step, 3 * step, memory.values);
      fetch(thread, all.heads.y + at.y, step, outputs[thread]);
    });
    block.finish_copies();
    block.for_each_warp([&](const typename Block::warp& warp) {
      describe_queries(warp, memory, unit, warp.lanes_of(outputs));
    });
    typename Block::template per_thread<square_sums> dkeys[deep], dvalues[deep];
    block.for_each_warp([&](const typename Block::warp& warp) {
      if (all.has_tokens(warp.index())) differentiate(warp, memory, dkeys, dvalues);
    });
    block.for_each_warp([&](const typename Block::warp& warp) {
      const unsigned top = warp.index() * 16;
      if (top >= all.tokens()) return;
      const float scale = all.heads.scale;
      warp.for_each_lane([&](unsigned lane) {
        for (unsigned k = 0; k < deep; ++k) {
          store_square(memory.queries, top, k * 16, lane,
                       scaled_operand(warp.lanes_of(dkeys[k])[lane], scale, scale));
          store_square(memory.output_gradients, top, k * 16, lane,
                       rounded_operand(warp.lanes_of(dvalues[k])[lane]));
        }
      });
      all.store_rows(warp, memory.queries, top, dqkv + at.qkv + step, 3 * step);
      all.store_rows(warp, memory.output_gradients, top, dqkv + at.qkv + 2 * step, 3 * step);
      typename Block::warp::template per_lane<square_sums> dqueries[deep];
      typename Block::warp::template per_lane<square_operand> ds, right;
      for (unsigned n = 0; n < squares; ++n)
        if (all.has_tokens(n)) {
          warp.load_transposed_square(
              ds, [&](unsigned lane) { return part_of_transpose(memory.values, n * 16, top, lane); });
          for (unsigned k = 0; k < deep; ++k) {
            warp.load_transposed_square(
                right, [&](unsigned lane) { return part_of_left(memory.keys, n * 16, k * 16, lane); });
            warp.multiply(dqueries[k], ds, right);
          }
        }
      warp.for_each_lane([&](unsigned lane) {
        for (unsigned k = 0; k < deep; ++k)
          store_square(memory.queries, top, k * 16, lane, scaled_operand(dqueries[k][lane], scale, scale));
      });
      all.store_rows(warp, memory.queries, top, dqkv + at.qkv, 3 * step);
    });
  }

 private:
  /// A thread's part of y: in every 32 rows, four threads share a row.
  static constexpr unsigned passes = side / (threads / 4), parts = Depth / 32;
  struct fetched_outputs {
    pairs_of_bfloat16<8> of[passes][parts];
  };
  static constexpr PRETEXT_HOST_DEVICE unsigned row_of(unsigned thread, unsigned pass) {
    return pass * (threads / 4) + thread / 4;
  }
  static constexpr PRETEXT_HOST_DEVICE unsigned column_of(unsigned thread, unsigned part) {
    return part * 32 + thread % 4 * 8;
  }
  PRETEXT_HOST_DEVICE void fetch(unsigned thread, const bfloat16* y, unsigned step,
                                 fetched_outputs& to) const {
    for (unsigned pass = 0; pass < passes; ++pass)
      for (unsigned part = 0; part < parts; ++part)
        if (const unsigned row = row_of(thread, pass), column = column_of(thread, part);
            row < all.tokens() && column < all.width())
          to.of[pass][part] = *reinterpret_cast<const pairs_of_bfloat16<8>*>(y + (row * step + column));
  }

  /// -log_sum and δ = Σ dy·y of each query. Beyond the last query the former is -infinity, which makes P
  /// zero.
  template <class Warp, class Memory, class Outputs>
  PRETEXT_HOST_DEVICE void describe_queries(const Warp& warp, Memory& memory, std::size_t unit,
                                            Outputs&& outputs) const {
    for (unsigned pass = 0; pass < passes; ++pass) {
      typename Warp::template per_lane<float> delta;
      warp.for_each_lane([&](unsigned lane) {
        const unsigned thread = warp.index() * 32 + lane, row = row_of(thread, pass);
        if (row >= all.tokens()) return;
        float sum = 0;
        for (unsigned part = 0; part < parts; ++part) {
          const auto y =
              unpack<bfloat16, 8>(__builtin_bit_cast(typename tiling::chunk, outputs[lane].of[pass][part]));
          const auto dy = load<8>(&memory.output_gradients.of[row][column_of(thread, part)]);
          for (unsigned k = 0; k < 8; ++k) sum += y[k] * dy[k];
        }
        delta[lane] = sum;
      });
      warp.template combine<4>(delta, [](float a, float b) { return a + b; });
      warp.for_each_lane([&](unsigned lane) {
        const unsigned row = row_of(warp.index() * 32 + lane, pass);
        if (lane % 4 != 0) return;
        memory.delta[row] = delta[lane];
        memory.offset[row] = row < all.tokens() ? -log_sum[unit * all.tokens() + row] * all.heads.log2_of_e
                                                : minus_infinity<float>();
      });
    }
  }

  /// dk / scale and dv of the warp's 16 keys; dSᵀ in the place of its values, 0 outside of the keys and,
  /// if values are finite, of the queries.
  template <class Warp, class Memory, class Sums>
  PRETEXT_HOST_DEVICE void differentiate(const Warp& warp, Memory& memory, Sums& dkeys, Sums& dvalues) const {
    const unsigned top = warp.index() * 16;
    typename Warp::template per_lane<square_operand> values[deep], left, right, p, ds;
    for (unsigned k = 0; k < deep; ++k)
      warp.load_square(values[k],
                       [&](unsigned lane) { return part_of_left(memory.values, top, k * 16, lane); });
    warp.barrier();
    for (unsigned n = 0; n < squares; ++n) {
      if (!all.has_tokens(n)) continue;
      typename Warp::template per_lane<square_sums> dots, dp;
      for (unsigned k = 0; k < deep; ++k) {
        warp.load_square(left, [&](unsigned lane) { return part_of_left(memory.keys, top, k * 16, lane); });
        warp.load_square(
            right, [&](unsigned lane) { return part_of_transpose(memory.queries, n * 16, k * 16, lane); });
        warp.multiply(dots, left, right);
        warp.load_square(right, [&](unsigned lane) {
          return part_of_transpose(memory.output_gradients, n * 16, k * 16, lane);
        });
        warp.multiply(dp, values[k], right);
      }
      warp.for_each_lane([&](unsigned lane) {
        weigh(memory, n * 16, lane, dots[lane], dp[lane]);
        p[lane] = rounded_operand(dots[lane]);
        ds[lane] = rounded_operand(dp[lane]);
        for (unsigned pair = 0; pair < 4; ++pair)
          if (top + square_sums::row(lane, 2 * pair) >= all.tokens()) ds[lane].of[pair] = 0;
        store_square(memory.values, top, n * 16, lane, ds[lane]);
      });
      for (unsigned k = 0; k < deep; ++k) {
        warp.load_transposed_square(right, [&](unsigned lane) {
          return part_of_left(memory.output_gradients, n * 16, k * 16, lane);
        });
        warp.multiply(warp.lanes_of(dvalues[k]), p, right);
        warp.load_transposed_square(
            right, [&](unsigned lane) { return part_of_left(memory.queries, n * 16, k * 16, lane); });
        warp.multiply(warp.lanes_of(dkeys[k]), ds, right);
      }
    }
  }

  /// Replaces q·k by P, and dP by dS / scale, of the queries from `first` on.
  template <class Memory>
  PRETEXT_HOST_DEVICE void weigh(const Memory& memory, unsigned first, unsigned lane, square_sums& dots,
                                 square_sums& dp) const {
    const float scale = all.heads.scale * all.heads.log2_of_e;
    for (unsigned half = 0; half < 2; ++half) {  // 8 columns, of which a lane has two in each of its rows
      const unsigned query = first + square_sums::column(lane, 4 * half);
      const auto offsets = load<2>(memory.offset + query), deltas = load<2>(memory.delta + query);
      for (unsigned k = 0; k < 4; ++k) {
        float &weight = dots.of[4 * half + k], &gradient = dp.of[4 * half + k];
        weight = fast_exp2(weight * scale + offsets[k % 2]);
        gradient = weight * (gradient - deltas[k % 2]);
      }
    }
  }
};

}  // namespace pretext::inline v0_1::grid
