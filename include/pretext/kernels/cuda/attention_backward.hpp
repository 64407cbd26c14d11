#pragma once
#include <cstddef>

#include <pretext/kernels/cuda/attention_heads.hpp>

// With P = exp(s - l), l the logarithm of each row's sum, and dP = dy·vᵀ, the gradients are those of
// dS = P∘(dP - δ), δ = Σ_j P_ij dP_ij.
namespace pretext::grid {

/// δ of each query.
template <class T>
struct attention_deltas {
  using R = arithmetic<T>;
  using tile = square_tile<R>;
  static constexpr unsigned threads = tile::threads;
  struct shared {
    tile p, dp;
    typename tile::strips strips;
  };
  struct total {
    R sum;
  };
  attention_heads<T> all;
  const R* log_sum;
  R* delta;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template own<total> of_row;
    const auto own = all.of(block.index(), 1);
    for (std::size_t left = 0; left < all.e.tokens; left += all.side) {
      all.probabilities(block, memory.p, memory.strips, own.unit, own.top, left, log_sum);
      all.dprobabilities(block, memory.dp, memory.strips, own.unit, own.top, left);
      block.each([&](unsigned thread) {
        if (thread >= tile::side) return;
        for (std::size_t c = 0; c < tile::side; ++c)
          of_row[thread].sum += memory.p.at[thread][c] * memory.dp.at[thread][c];
      });
    }
    block.each([&](unsigned thread) {
      if (thread < tile::side && own.top + thread < all.e.tokens)
        delta[own.unit * all.e.tokens + own.top + thread] = of_row[thread].sum;
    });
  }
};

/// dq = dS·k·scale.
template <class T>
struct attention_dqueries {
  using R = arithmetic<T>;
  using tile = square_tile<R>;
  static constexpr unsigned threads = tile::threads;
  struct shared {
    tile p, dp;
    typename tile::strips strips;
  };
  attention_heads<T> all;
  const R *log_sum, *delta;
  T* dqkv;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template own<typename tile::numbers> sum;
    const auto own = all.of(block.index(), all.chunks());
    for (std::size_t left = 0; left < all.e.tokens; left += all.side) {
      all.probabilities(block, memory.p, memory.strips, own.unit, own.top, left, log_sum);
      all.dprobabilities(block, memory.dp, memory.strips, own.unit, own.top, left);
      memory.p.for_each_place(block, [&](std::size_t r, std::size_t c) {
        const bool inside = own.top + r < all.e.tokens;
        const R of_row = inside ? delta[own.unit * all.e.tokens + own.top + r] : R{0};
        memory.dp.at[r][c] = all.scale * memory.p.at[r][c] * (memory.dp.at[r][c] - of_row);
      });
      memory.dp.template multiply<false>(block, memory.strips, all.rows(own.unit, 1).from(left), own.left,
                                         sum);
    }
    T* const to = dqkv + all.offset(own.unit, 0);
    memory.p.for_each_number(block, sum, [&](std::size_t r, std::size_t c, R number) {
      if (own.top + r < all.e.tokens && own.left + c < all.e.head_width())
        to[(own.top + r) * 3 * all.e.width + own.left + c] = static_cast<T>(number);
    });
  }
};

/// dk = dSᵀ·q·scale and dv = Pᵀ·dy, for keys from `top` on.
template <class T>
struct attention_dkeys {
  using R = arithmetic<T>;
  using tile = square_tile<R>;
  static constexpr unsigned threads = tile::threads;
  struct shared {
    tile p, dp;
    typename tile::strips strips;
  };
  attention_heads<T> all;
  const R *log_sum, *delta;
  T* dqkv;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template own<typename tile::numbers> dkeys, dvalues;
    const auto own = all.of(block.index(), all.chunks());
    for (std::size_t query = 0; query < all.e.tokens; query += all.side) {
      all.probabilities(block, memory.p, memory.strips, own.unit, query, own.top, log_sum);
      all.dprobabilities(block, memory.dp, memory.strips, own.unit, query, own.top);
      memory.p.for_each_place(block, [&](std::size_t r, std::size_t c) {
        const bool inside = query + r < all.e.tokens;
        const R of_row = inside ? delta[own.unit * all.e.tokens + query + r] : R{0};
        memory.dp.at[r][c] = all.scale * memory.p.at[r][c] * (memory.dp.at[r][c] - of_row);
      });
      memory.dp.template multiply<true>(block, memory.strips, all.rows(own.unit, 0).from(query), own.left,
                                        dkeys);
      memory.p.template multiply<true>(block, memory.strips, all.dmixed(own.unit).from(query), own.left,
                                       dvalues);
    }
    const auto store = [&](std::size_t which, auto& sum) {
      T* const to = dqkv + all.offset(own.unit, which);
      memory.p.for_each_number(block, sum, [&](std::size_t r, std::size_t c, R number) {
        if (own.top + r < all.e.tokens && own.left + c < all.e.head_width())
          to[(own.top + r) * 3 * all.e.width + own.left + c] = static_cast<T>(number);
      });
    };
    store(1, dkeys);
    store(2, dvalues);
  }
};

}  // namespace pretext::grid
