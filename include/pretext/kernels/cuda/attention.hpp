#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/cuda/attention_backward.hpp>
#include <pretext/kernels/cuda/attention_heads.hpp>

// Scores are made in square tiles wherever they are needed and never leave shared memory.
namespace pretext::grid {

template <class T>
struct attention_log_sums {
  using R = arithmetic<T>;
  using sums = row_log_sums<R>;
  static constexpr unsigned threads = square_tile<R>::threads;
  struct shared {
    square_tile<R> tile;
    typename square_tile<R>::strips strips;
    typename sums::memory sums_of_rows;
  };
  attention_heads<T> all;
  R* log_sum;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template own<typename sums::so_far> online;
    const auto own = all.of(block.index(), 1);
    for (std::size_t left = 0; left < all.e.tokens; left += all.side) {
      all.scores(block, memory.tile, memory.strips, own.unit, own.top, left);
      sums::add(block, memory.tile, online);
    }
    sums::finish(block, memory.sums_of_rows, online, [&](std::size_t row, const partial_log_sum<R>& sum) {
      if (own.top + row < all.e.tokens)
        log_sum[own.unit * all.e.tokens + own.top + row] = sum.largest + std::log(sum.sum);
    });
  }
};

/// y = P·v.
template <class T>
struct attention_mix {
  using R = arithmetic<T>;
  static constexpr unsigned threads = square_tile<R>::threads;
  struct shared {
    square_tile<R> tile;
    typename square_tile<R>::strips strips;
  };
  attention_heads<T> all;
  const R* log_sum;
  T* y;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template own<typename square_tile<R>::numbers> sum;
    const auto own = all.of(block.index(), all.chunks());
    for (std::size_t left = 0; left < all.e.tokens; left += all.side) {
      all.probabilities(block, memory.tile, memory.strips, own.unit, own.top, left, log_sum);
      memory.tile.template multiply<false>(block, memory.strips, all.rows(own.unit, 2).from(left), own.left,
                                           sum);
    }
    T* const to = y + all.mixed_offset(own.unit);
    memory.tile.for_each_number(block, sum, [&](std::size_t r, std::size_t c, R number) {
      if (own.top + r < all.e.tokens && own.left + c < all.e.head_width())
        to[(own.top + r) * all.e.width + own.left + c] = static_cast<T>(number);
    });
  }
};

}  // namespace pretext::grid

namespace pretext::kernels {

template <Accelerator Device>
struct attention<Device> {
  template <class Place, class T, class W>
  static void forward(Place& place, const attention_extents& e, std::size_t batch, const T* qkv, T* y,
                      W* log_sum) {
    if (batch == 0) return;
    const borrowed guard{place.scratch};
    W* const sums = log_sum ? log_sum : place.scratch.template take<W>(batch * e.heads * e.tokens);
    const auto all = heads_of(e, qkv, static_cast<const T*>(nullptr));
    const std::size_t blocks = batch * e.heads * all.tiles();
    launch(place.stream, blocks, grid::attention_log_sums<T>{all, sums});
    launch(place.stream, blocks * all.chunks(), grid::attention_mix<T>{all, sums, y});
  }

  template <class Place, class T, class W>
  static void backward(Place& place, const attention_extents& e, std::size_t batch, const T* qkv,
                       const W* log_sum, const T* dy, T* dqkv) {
    if (batch == 0) return;
    const borrowed guard{place.scratch};
    W* const delta = place.scratch.template take<W>(batch * e.heads * e.tokens);
    const auto all = heads_of(e, qkv, dy);
    const std::size_t blocks = batch * e.heads * all.tiles();
    launch(place.stream, blocks, grid::attention_deltas<T>{all, log_sum, delta});
    launch(place.stream, blocks * all.chunks(), grid::attention_dqueries<T>{all, log_sum, delta, dqkv});
    launch(place.stream, blocks * all.chunks(), grid::attention_dkeys<T>{all, log_sum, delta, dqkv});
  }

 private:
  template <class T>
  static grid::attention_heads<T> heads_of(const attention_extents& e, const T* qkv, const T* dy) {
    using R = arithmetic<T>;
    return {e, R{1} / std::sqrt(static_cast<R>(e.head_width())), qkv, dy};
  }
};

}  // namespace pretext::kernels
