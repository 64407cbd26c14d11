// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <concepts>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/gpu/attention/fused_backward.hpp>
#include <pretext/kernels/gpu/attention/fused_forward.hpp>
#include <pretext/kernels/gpu/attention/heads.hpp>
#include <pretext/kernels/gpu/attention/short_backward.hpp>
#include <pretext/kernels/gpu/attention/short_forward.hpp>
#include <pretext/kernels/gpu/attention/tiled_backward.hpp>

// Attention without storing scores: logits are computed in square tiles wherever they are needed and never
// leave a block. Heads of bfloat16 up to 96 wide use one kernel on tensor cores; for at most 64 tokens it
// keeps the scores in registers. All others use the tiled kernels below.
namespace pretext::inline v0_1::grid {

/// The log-sum-exp of each query: the first pass over the scores.
template <class T>
struct attention_log_sums {
  using R = arithmetic<T>;
  using sums = row_log_sums<R>;
  static constexpr unsigned threads = square_tile<R>::threads;
  struct shared {
    square_tile<R> tile;
    typename square_tile<R>::strips strips;
    typename sums::memory row_sums;
  };
  attention_tiles<T> all;
  R* log_sum;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template per_thread<typename sums::running> state;
    const auto work = all.of(block.index(), 1);
    for (std::size_t left = 0; left < all.tokens(); left += all.side) {
      all.scores(block, memory.tile, memory.strips, work.unit, work.top, left);
      sums::add(block, memory.tile, state);
    }
    sums::finish(block, memory.row_sums, state, [&](std::size_t row, const partial_log_sum<R>& sum) {
      if (work.top + row < all.tokens())
        log_sum[work.unit * all.tokens() + work.top + row] = sum.largest + std::log(sum.sum);
    });
  }
};

/// y = P·v.
template <class T>
struct attention_outputs {
  using R = arithmetic<T>;
  static constexpr unsigned threads = square_tile<R>::threads;
  struct shared {
    square_tile<R> tile;
    typename square_tile<R>::strips strips;
  };
  attention_tiles<T> all;
  const R* log_sum;
  T* y;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template per_thread<typename square_tile<R>::fragment> sum;
    const auto work = all.of(block.index(), all.chunks());
    for (std::size_t left = 0; left < all.tokens(); left += all.side) {
      all.probabilities(block, memory.tile, memory.strips, work.unit, work.top, left, log_sum);
      memory.tile.template multiply<false>(block, memory.strips, all.heads.rows(work.unit, 2).from(left),
                                           work.left, sum);
    }
    all.store(block, sum, work.left, all.heads.output_rows(y, work.unit).from(work.top));
  }
};

/// Attention by our own kernels: a fused one if it fits, else the tiled ones, which recompute the scores.
struct recomputed_attention {
  using attention_extents = kernels::attention_extents;

  template <class Context, class T, class W>
  static void forward(Context& context, const attention_extents& e, std::size_t batch, const T* qkv, T* y,
                      W* log_sum) {
    if (batch == 0) return;
    if constexpr (std::same_as<T, bfloat16>)
      if (launch_fused<short_attention, fused_attention>(context, batch, {e, qkv}, y, log_sum)) return;
    const arena_scope guard{context.workspace};
    W* const sums = log_sum ? log_sum : context.workspace.template allocate<W>(batch * e.heads * e.tokens);
    const attention_tiles<T> all{{e, qkv}};
    const std::size_t blocks = batch * e.heads * all.tiles();
    launch(context.stream, blocks, attention_log_sums<T>{all, sums});
    launch(context.stream, blocks * all.chunks(), attention_outputs<T>{all, sums, y});
  }

  template <class Context, class T, class W>
  static void backward(Context& context, const attention_extents& e, std::size_t batch, const T* qkv,
                       const T* y, const W* log_sum, const T* dy, T* dqkv) {
    if (batch == 0) return;
    if constexpr (std::same_as<T, bfloat16>)
      if (launch_fused<short_attention_backward, fused_attention_backward>(context, batch, {e, qkv, y, dy},
                                                                           log_sum, dqkv))
        return;
    const arena_scope guard{context.workspace};
    const std::size_t queries = batch * e.heads * e.tokens;
    W* const delta = context.workspace.template allocate<W>(queries);
    const attention_tiles<T> all{{e, qkv, y, dy}};
    const std::size_t blocks = batch * e.heads * all.tiles() * all.chunks();
    parallel_for(context, queries, attention_deltas<T>{all.heads, delta});
    launch(context.stream, blocks, attention_dqueries<T>{all, log_sum, delta, dqkv});
    launch(context.stream, blocks, attention_dkeys<T>{all, log_sum, delta, dqkv});
  }

 private:
  /// Launches the kernel for up to 64 tokens, or the other one, if rows of heads are 16-byte aligned, heads
  /// are at most 96 wide, and a block's shared memory suffices. Returns whether it did.
  template <template <unsigned Depth> class Short, template <unsigned Depth> class Long, class Context,
            class... Results>
  static bool launch_fused(Context& context, std::size_t batch, const attention_heads<bfloat16>& heads,
                           Results*... results) {
    if (!is_vectorizable<bfloat16>(heads.head_width, {heads.qkv, heads.y, heads.dy, results...}))
      return false;
    return heads.e.tokens <= most_short_tokens ? launch_of_width<Short>(context, batch, heads, results...)
                                               : launch_of_width<Long>(context, batch, heads, results...);
  }
  template <template <unsigned Depth> class Kernel, class Context, class... Results>
  static bool launch_of_width(Context& context, std::size_t batch, const attention_heads<bfloat16>& heads,
                              Results*... results) {
    const std::size_t width = heads.head_width;
    const auto launched = [&](const auto& kernel) {
      if (shared_bytes(kernel) > context.stream.most_shared_memory()) return false;
      launch(context.stream, batch * heads.e.heads * kernel.blocks_per_head(), kernel);
      return true;
    };
    if (width <= 32) return launched(Kernel<32>{{heads}, results...});
    if (width <= 64) return launched(Kernel<64>{{heads}, results...});
    if (width <= 96) return launched(Kernel<96>{{heads}, results...});
    return false;
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// Our own kernels. With cuDNN, `attention<cuda_gpu>` is the specialization of attention/cudnn.cuh.
template <Accelerator Device>
struct attention<Device> : grid::recomputed_attention {};

}  // namespace pretext::inline v0_1::kernels
