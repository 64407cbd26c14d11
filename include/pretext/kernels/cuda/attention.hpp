#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/attention.hpp>
#include <pretext/kernels/cuda/square_tile.hpp>

// Scores are made in square tiles wherever they are needed and never leave shared memory. With P = exp(s -
// l), l the logarithm of each row's sum, and dP = dy·vᵀ, the gradients are dS = P∘(dP - δ), δ = Σ_j P_ij
// dP_ij.
namespace pretext::grid {

/// One head of one sample, and which rows and which columns of a result a block of threads makes.
template <class T>
struct attention_heads {
  using tile = square_tile<T>;
  static constexpr std::size_t side = tile::side;
  kernels::attention_extents e;
  T scale;
  const T *qkv, *dy;

  PRETEXT_HOST_DEVICE std::size_t tiles() const { return ceil_div(e.tokens, side); }
  PRETEXT_HOST_DEVICE std::size_t chunks() const { return ceil_div(e.head_width(), side); }

  struct work {
    std::size_t unit, top, left;
  };
  PRETEXT_HOST_DEVICE work of(std::size_t block, std::size_t chunks_of_result) const {
    const std::size_t above = block / chunks_of_result;
    return {above / tiles(), above % tiles() * side, block % chunks_of_result * side};
  }

  /// Queries (0), keys (1) or values (2) of a head, or their gradients.
  PRETEXT_HOST_DEVICE std::size_t offset(std::size_t unit, std::size_t which) const {
    return unit / e.heads * e.tokens * 3 * e.width + which * e.width + unit % e.heads * e.head_width();
  }
  PRETEXT_HOST_DEVICE rows_of<T> rows(std::size_t unit, std::size_t which) const {
    return {qkv + offset(unit, which), 3 * e.width, e.tokens, e.head_width()};
  }
  PRETEXT_HOST_DEVICE std::size_t mixed_offset(std::size_t unit) const {
    return unit / e.heads * e.tokens * e.width + unit % e.heads * e.head_width();
  }
  PRETEXT_HOST_DEVICE rows_of<T> dmixed(std::size_t unit) const {
    return {dy + mixed_offset(unit), e.width, e.tokens, e.head_width()};
  }

  /// Scores of queries from `top` on with keys from `left` on; -infinity where there is no key.
  template <class Block>
  PRETEXT_HOST_DEVICE void scores(Block& block, tile& square, typename tile::strips& memory, std::size_t unit,
                                  std::size_t top, std::size_t left) const {
    square.dots(block, memory, rows(unit, 0).from(top), rows(unit, 1).from(left),
                [=, this](std::size_t, std::size_t c, T dot) {
                  return left + c < e.tokens ? scale * dot : minus_infinity<T>();
                });
  }
  /// exp(score - l), 0 where there is no query or no key.
  template <class Block>
  PRETEXT_HOST_DEVICE void probabilities(Block& block, tile& square, typename tile::strips& memory,
                                         std::size_t unit, std::size_t top, std::size_t left,
                                         const T* log_sum) const {
    square.dots(block, memory, rows(unit, 0).from(top), rows(unit, 1).from(left),
                [=, this](std::size_t r, std::size_t c, T dot) {
                  const bool inside = top + r < e.tokens && left + c < e.tokens;
                  return inside ? std::exp(scale * dot - log_sum[unit * e.tokens + top + r]) : T{0};
                });
  }
  /// dP of queries from `top` on with keys from `left` on.
  template <class Block>
  PRETEXT_HOST_DEVICE void dprobabilities(Block& block, tile& square, typename tile::strips& memory,
                                          std::size_t unit, std::size_t top, std::size_t left) const {
    square.dots(block, memory, dmixed(unit).from(top), rows(unit, 2).from(left),
                [](std::size_t, std::size_t, T dot) { return dot; });
  }
};

template <class T>
struct attention_log_sums {
  using sums = row_log_sums<T>;
  static constexpr unsigned threads = square_tile<T>::threads;
  struct shared {
    square_tile<T> tile;
    typename square_tile<T>::strips strips;
    typename sums::memory sums_of_rows;
  };
  attention_heads<T> all;
  T* log_sum;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template own<typename sums::so_far> online;
    const auto own = all.of(block.index(), 1);
    for (std::size_t left = 0; left < all.e.tokens; left += all.side) {
      all.scores(block, memory.tile, memory.strips, own.unit, own.top, left);
      sums::add(block, memory.tile, online);
    }
    sums::finish(block, memory.sums_of_rows, online, [&](std::size_t row, const partial_log_sum<T>& sum) {
      if (own.top + row < all.e.tokens)
        log_sum[own.unit * all.e.tokens + own.top + row] = sum.largest + std::log(sum.sum);
    });
  }
};

/// y = P·v.
template <class T>
struct attention_mix {
  static constexpr unsigned threads = square_tile<T>::threads;
  struct shared {
    square_tile<T> tile;
    typename square_tile<T>::strips strips;
  };
  attention_heads<T> all;
  const T* log_sum;
  T* y;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template own<typename square_tile<T>::numbers> sum;
    const auto own = all.of(block.index(), all.chunks());
    for (std::size_t left = 0; left < all.e.tokens; left += all.side) {
      all.probabilities(block, memory.tile, memory.strips, own.unit, own.top, left, log_sum);
      memory.tile.template multiply<false>(block, memory.strips, all.rows(own.unit, 2).from(left), own.left,
                                           sum);
    }
    T* const to = y + all.mixed_offset(own.unit);
    memory.tile.for_each_number(block, sum, [&](std::size_t r, std::size_t c, T number) {
      if (own.top + r < all.e.tokens && own.left + c < all.e.head_width())
        to[(own.top + r) * all.e.width + own.left + c] = number;
    });
  }
};

/// δ of each query.
template <class T>
struct attention_deltas {
  using tile = square_tile<T>;
  static constexpr unsigned threads = tile::threads;
  struct shared {
    tile p, dp;
    typename tile::strips strips;
  };
  struct total {
    T sum;
  };
  attention_heads<T> all;
  const T* log_sum;
  T* delta;

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
  using tile = square_tile<T>;
  static constexpr unsigned threads = tile::threads;
  struct shared {
    tile p, dp;
    typename tile::strips strips;
  };
  attention_heads<T> all;
  const T *log_sum, *delta;
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
        const T of_row = inside ? delta[own.unit * all.e.tokens + own.top + r] : T{0};
        memory.dp.at[r][c] = all.scale * memory.p.at[r][c] * (memory.dp.at[r][c] - of_row);
      });
      memory.dp.template multiply<false>(block, memory.strips, all.rows(own.unit, 1).from(left), own.left,
                                         sum);
    }
    T* const to = dqkv + all.offset(own.unit, 0);
    memory.p.for_each_number(block, sum, [&](std::size_t r, std::size_t c, T number) {
      if (own.top + r < all.e.tokens && own.left + c < all.e.head_width())
        to[(own.top + r) * 3 * all.e.width + own.left + c] = number;
    });
  }
};

/// dk = dSᵀ·q·scale and dv = Pᵀ·dy, for keys from `top` on.
template <class T>
struct attention_dkeys {
  using tile = square_tile<T>;
  static constexpr unsigned threads = tile::threads;
  struct shared {
    tile p, dp;
    typename tile::strips strips;
  };
  attention_heads<T> all;
  const T *log_sum, *delta;
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
        const T of_row = inside ? delta[own.unit * all.e.tokens + query + r] : T{0};
        memory.dp.at[r][c] = all.scale * memory.p.at[r][c] * (memory.dp.at[r][c] - of_row);
      });
      memory.dp.template multiply<true>(block, memory.strips, all.rows(own.unit, 0).from(query), own.left,
                                        dkeys);
      memory.p.template multiply<true>(block, memory.strips, all.dmixed(own.unit).from(query), own.left,
                                       dvalues);
    }
    const auto store = [&](std::size_t which, auto& sum) {
      T* const to = dqkv + all.offset(own.unit, which);
      memory.p.for_each_number(block, sum, [&](std::size_t r, std::size_t c, T number) {
        if (own.top + r < all.e.tokens && own.left + c < all.e.head_width())
          to[(own.top + r) * 3 * all.e.width + own.left + c] = number;
      });
    };
    store(1, dkeys);
    store(2, dvalues);
  }
};

}  // namespace pretext::grid

namespace pretext::kernels {

template <Accelerator Device>
struct attention<Device> {
  template <class Place, class T>
  static void forward(Place& place, const attention_extents& e, std::size_t batch, const T* qkv, T* y,
                      T* log_sum) {
    if (batch == 0) return;
    const borrowed guard{place.scratch};
    T* const sums = log_sum ? log_sum : place.scratch.template take<T>(batch * e.heads * e.tokens);
    const auto all = heads_of(e, qkv, static_cast<const T*>(nullptr));
    const std::size_t blocks = batch * e.heads * all.tiles();
    launch(place.stream, blocks, grid::attention_log_sums<T>{all, sums});
    launch(place.stream, blocks * all.chunks(), grid::attention_mix<T>{all, sums, y});
  }

  template <class Place, class T>
  static void backward(Place& place, const attention_extents& e, std::size_t batch, const T* qkv,
                       const T* log_sum, const T* dy, T* dqkv) {
    if (batch == 0) return;
    const borrowed guard{place.scratch};
    T* const delta = place.scratch.template take<T>(batch * e.heads * e.tokens);
    const auto all = heads_of(e, qkv, dy);
    const std::size_t blocks = batch * e.heads * all.tiles();
    launch(place.stream, blocks, grid::attention_deltas<T>{all, log_sum, delta});
    launch(place.stream, blocks * all.chunks(), grid::attention_dqueries<T>{all, log_sum, delta, dqkv});
    launch(place.stream, blocks * all.chunks(), grid::attention_dkeys<T>{all, log_sum, delta, dqkv});
  }

 private:
  template <class T>
  static grid::attention_heads<T> heads_of(const attention_extents& e, const T* qkv, const T* dy) {
    return {e, T{1} / std::sqrt(static_cast<T>(e.head_width())), qkv, dy};
  }
};

}  // namespace pretext::kernels
