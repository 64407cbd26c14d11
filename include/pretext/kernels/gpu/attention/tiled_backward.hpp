// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/gpu/attention/heads.hpp>

// The backward pass recomputes P = exp(s - l) tile by tile from the log-sum-exp l of each row
// (FlashAttention, Dao et al. 2022). With dP = dy·vᵀ, the gradient of the scores is dS = P∘(dP - δ), where
// δ_i = Σ_j P_ij dP_ij = dy_i·y_i.
namespace pretext::inline v0_1::grid {

/// δ of each query.
template <class T>
struct attention_deltas {
  attention_heads<T> heads;
  arithmetic<T>* delta;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    delta[i] = heads.template delta<1>(i / heads.e.tokens, i % heads.e.tokens);
  }
};

/// What both gradient kernels share: their arguments, and the tiles of P and dS that they recompute.
template <class T>
struct attention_gradient {
  using tile = square_tile<arithmetic<T>>;
  using fragment = typename tile::fragment;
  static constexpr unsigned threads = tile::threads;
  struct shared {
    tile p, ds;
    typename tile::strips strips;
  };
  attention_tiles<T> all;
  const arithmetic<T>*log_sum, *delta;
  T* dqkv;

  template <class Block>
  PRETEXT_HOST_DEVICE void recompute(Block& block, std::size_t unit, std::size_t top,
                                     std::size_t left) const {
    auto& memory = block.shared();
    all.score_gradients(block, memory.p, memory.ds, memory.strips, unit, top, left, log_sum, delta);
  }
};

/// dq = dS·k·scale.
template <class T>
struct attention_dqueries : attention_gradient<T> {
  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    const attention_tiles<T>& tiles = this->all;
    auto& memory = block.shared();
    typename Block::template per_thread<typename attention_gradient<T>::fragment> dqueries;
    const auto work = tiles.of(block.index(), tiles.chunks());
    for (std::size_t left = 0; left < tiles.tokens(); left += tiles.side) {
      this->recompute(block, work.unit, work.top, left);
      memory.ds.template multiply<false>(block, memory.strips, tiles.heads.rows(work.unit, 1).from(left),
                                         work.left, dqueries);
    }
    tiles.store(block, dqueries, work.left,
                tiles.heads.gradient_rows(this->dqkv, work.unit, 0).from(work.top));
  }
};

/// dk = dSᵀ·q·scale and dv = Pᵀ·dy, for keys from `top` on.
template <class T>
struct attention_dkeys : attention_gradient<T> {
  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    const attention_tiles<T>& tiles = this->all;
    auto& memory = block.shared();
    typename Block::template per_thread<typename attention_gradient<T>::fragment> dkeys, dvalues;
    const auto work = tiles.of(block.index(), tiles.chunks());
    for (std::size_t query = 0; query < tiles.tokens(); query += tiles.side) {
      this->recompute(block, work.unit, query, work.top);
      memory.ds.template multiply<true>(block, memory.strips, tiles.heads.rows(work.unit, 0).from(query),
                                        work.left, dkeys);
      memory.p.template multiply<true>(
          block, memory.strips, tiles.heads.output_gradient(work.unit).from(query), work.left, dvalues);
    }
    tiles.store(block, dkeys, work.left, tiles.heads.gradient_rows(this->dqkv, work.unit, 1).from(work.top));
    tiles.store(block, dvalues, work.left,
                tiles.heads.gradient_rows(this->dqkv, work.unit, 2).from(work.top));
  }
};

}  // namespace pretext::inline v0_1::grid
