// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/kernels/gpu/attention/fused_forward.hpp>

namespace pretext::inline v0_1::grid {

/// All gradients of a head in one kernel: dv = Pᵀ·dy, dk = dSᵀ·q·scale and dq = dS·k·scale (see
/// tiled_backward.hpp). The outer loop runs over tiles of keys and the inner one over tiles of queries, so
/// dk and dv stay in registers; dq accumulates in shared memory.
template <unsigned Depth>
struct fused_attention_backward {
  using tiling = fused_attention_tiling<Depth>;
  using rows = typename tiling::rows;
  static constexpr unsigned threads = tiling::threads, side = tiling::side,
                            blocks_at_once = Depth > 64 ? 1 : 2;
  struct shared {
    typename rows::tile queries, output_gradients, keys, values;  ///< gradients: of the outputs
    typename tiling::square p, ds;
    sums_staging<threads, 2> staging;
  };
  tiling all;
  const float* log_sum;
  bfloat16* dqkv;

  constexpr std::size_t blocks_per_head() const { return 1; }
  /// log_sum, δ and dq of all queries.
  PRETEXT_HOST_DEVICE constexpr std::size_t dynamic_shared() const {
    return (2 + stride) * all.padded_tokens();
  }

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    const std::size_t unit = block.index(), tokens = all.tokens();
    const query_state state{block.dynamic_shared(), block.dynamic_shared() + all.padded_tokens(),
                            block.dynamic_shared() + 2 * all.padded_tokens()};
    for (std::size_t left = 0; left < tokens; left += side) {
      typename Block::template tile_sums<side, Depth> dkeys, dvalues;
      for (std::size_t top = 0; top < tokens; top += side) {
        fetch(block, unit, top, left, state);
        compute_p_ds(block, top, left, state);
        const product_limits key_limits{all.count(left), all.depth(), all.count(top)};
        dvalues.add(transposed{memory.p}, memory.output_gradients, key_limits);
        dkeys.add(transposed{memory.ds}, memory.queries, key_limits);
        add_to_dq(block, top, left, state.dq, all.heads.gradient_rows(dqkv, unit, 0).from(top));
      }
      const product_limits result_limits{all.count(left), all.depth(), 0};
      store(dkeys, memory.staging, all.heads.gradient_rows(dqkv, unit, 1).from(left), all.heads.scale,
            result_limits);
      store(dvalues, memory.staging, all.heads.gradient_rows(dqkv, unit, 2).from(left), 1, result_limits);
    }
  }

 private:
  static constexpr std::size_t stride = Depth + 4;
  struct query_state {
    float *log_sum, *delta, *dq;  ///< log_sum in base 2
  };

  /// Loads a tile of queries and of output gradients; with the first of them also the keys and values.
  template <class Block>
  PRETEXT_HOST_DEVICE void fetch(Block& block, std::size_t unit, std::size_t top, std::size_t left,
                                 const query_state& state) const {
    auto& memory = block.shared();
    block.for_each_thread([&](unsigned thread) {
      rows queries, output_gradients, keys, values;
      queries.fetch(thread, all.heads.rows(unit, 0).from(top));
      output_gradients.fetch(thread, all.heads.output_gradient(unit).from(top));
      if (top == 0) {
        keys.fetch(thread, all.heads.rows(unit, 1).from(left));
        values.fetch(thread, all.heads.rows(unit, 2).from(left));
      }
      if (left == 0 && thread < all.count(top)) {
        const std::size_t query = top + thread;
        state.log_sum[query] = log_sum[unit * all.tokens() + query] * all.heads.log2_of_e;
        state.delta[query] = all.heads.template delta<8>(unit, query);
      }
      queries.write(thread, memory.queries);
      output_gradients.write(thread, memory.output_gradients);
      if (top > 0) return;
      keys.write(thread, memory.keys);
      values.write(thread, memory.values);
    });
  }

  /// P and dS of a tile in shared memory, 0 outside of the queries and keys.
  template <class Block>
  PRETEXT_HOST_DEVICE void compute_p_ds(Block& block, std::size_t top, std::size_t left,
                                        const query_state& state) const {
    auto& memory = block.shared();
    const unsigned queries = all.count(top), keys = all.count(left);
    const product_limits limits{queries, keys, all.depth()};
    const float scale = all.heads.scale * all.heads.log2_of_e;
    typename Block::template tile_sums<side, side> dots, dp;
    dots.add(memory.queries, transposed{memory.keys}, limits);
    dp.add(memory.output_gradients, transposed{memory.values}, limits);
    dots.visit_pair(
        dp, memory.staging,
        [&](unsigned r, unsigned c, const float* dots8, const float* dp8) {
          vec<float, 8> p{}, ds{};
          for (unsigned k = 0; k < 8; ++k)
            if (r < queries && c + k < keys) {
              p[k] = std::exp2(dots8[k] * scale - state.log_sum[top + r]);
              ds[k] = p[k] * (dp8[k] - state.delta[top + r]);
            }
          store8(memory.p, r, c, p);
          store8(memory.ds, r, c, ds);
        },
        limits);
    block.for_each_thread([](unsigned) {});
  }

  /// Adds this tile of keys' dS·k to dq.
  template <class Block>
  PRETEXT_HOST_DEVICE void add_to_dq(Block& block, std::size_t top, std::size_t left, float* dq_rows,
                                     const rows_to<bfloat16>& to) const {
    auto& memory = block.shared();
    const product_limits limits{all.count(top), all.depth(), all.count(left)};
    typename Block::template tile_sums<side, Depth> sums;
    sums.add(memory.ds, memory.keys, limits);
    sums.visit(
        memory.staging,
        [&](unsigned r, unsigned c, const float* chunk) {
          auto sum = load<8>(chunk);
          float* const dq = dq_rows + (top + r) * stride + c;
          if (left > 0) {
            const auto before = load<8>(static_cast<const float*>(dq));
            for (unsigned k = 0; k < 8; ++k) sum[k] += before[k];
          }
          if (left + side < all.tokens())
            grid::store<8>(dq, sum);
          else
            store_scaled(to, r, c, sum, all.heads.scale);
        },
        limits);
  }

  template <class Sums>
  PRETEXT_HOST_DEVICE static void store(const Sums& sums, sums_staging<threads, 2>& staging,
                                        const rows_to<bfloat16>& to, float scale,
                                        const product_limits& limits) {
    sums.visit(
        staging,
        [&](unsigned r, unsigned c, const float* chunk) { store_scaled(to, r, c, load<8>(chunk), scale); },
        limits);
  }
  PRETEXT_HOST_DEVICE static void store_scaled(const rows_to<bfloat16>& to, unsigned r, unsigned c,
                                               vec<float, 8> values, float scale) {
    for (unsigned k = 0; k < 8; ++k) values[k] *= scale;
    to.store8(r, c, values);
  }
};

}  // namespace pretext::inline v0_1::grid
