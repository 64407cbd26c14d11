#pragma once
#include <cstddef>

#include <pretext/kernels/gpu/attention/heads.hpp>

// With P = exp(s - l), l the logarithm of each row's sum, and dP = dy·vᵀ, the gradients are those of
// dS = P∘(dP - δ), δ_i = Σ_j P_ij dP_ij = dy_i·y_i.
namespace pretext::grid {

/// δ of each query.
template <class T>
struct attention_deltas {
  attention_heads<T> heads;
  arithmetic<T>* delta;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    delta[i] = heads.template delta<1>(i / heads.e.tokens, i % heads.e.tokens);
  }
};

/// dq = dS·k·scale.
template <class T>
struct attention_dqueries {
  using R = arithmetic<T>;
  using tile = square_tile<R>;
  static constexpr unsigned threads = tile::threads;
  struct shared {
    tile p, ds;
    typename tile::strips strips;
  };
  attention_tiles<T> all;
  const R *log_sum, *delta;
  T* dqkv;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template per_thread<typename tile::numbers> sum;
    const auto own = all.of(block.index(), all.chunks());
    for (std::size_t left = 0; left < all.tokens(); left += all.side) {
      all.slopes(block, memory.p, memory.ds, memory.strips, own.unit, own.top, left, log_sum, delta);
      memory.ds.template multiply<false>(block, memory.strips, all.heads.rows(own.unit, 1).from(left),
                                         own.left, sum);
    }
    all.store(block, sum, own.left, all.heads.rows_in(dqkv, own.unit, 0).from(own.top));
  }
};

/// dk = dSᵀ·q·scale and dv = Pᵀ·dy, for keys from `top` on.
template <class T>
struct attention_dkeys {
  using R = arithmetic<T>;
  using tile = square_tile<R>;
  static constexpr unsigned threads = tile::threads;
  struct shared {
    tile p, ds;
    typename tile::strips strips;
  };
  attention_tiles<T> all;
  const R *log_sum, *delta;
  T* dqkv;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template per_thread<typename tile::numbers> dkeys, dvalues;
    const auto own = all.of(block.index(), all.chunks());
    for (std::size_t query = 0; query < all.tokens(); query += all.side) {
      all.slopes(block, memory.p, memory.ds, memory.strips, own.unit, query, own.top, log_sum, delta);
      memory.ds.template multiply<true>(block, memory.strips, all.heads.rows(own.unit, 0).from(query),
                                        own.left, dkeys);
      memory.p.template multiply<true>(block, memory.strips, all.heads.dmixed(own.unit).from(query), own.left,
                                       dvalues);
    }
    all.store(block, dkeys, own.left, all.heads.rows_in(dqkv, own.unit, 1).from(own.top));
    all.store(block, dvalues, own.left, all.heads.rows_in(dqkv, own.unit, 2).from(own.top));
  }
};

}  // namespace pretext::grid
