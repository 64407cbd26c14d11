#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/kernels/attention.hpp>
#include <pretext/kernels/cuda/square_tile.hpp>

namespace pretext::grid {

/// One head of one sample, and which rows and which columns of a result a block of threads makes.
template <class T>
struct attention_heads {
  using R = arithmetic<T>;
  using tile = square_tile<R>;
  static constexpr std::size_t side = tile::side;
  kernels::attention_extents e;
  R scale;
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
                [=, this](std::size_t, std::size_t c, R dot) {
                  return left + c < e.tokens ? scale * dot : minus_infinity<R>();
                });
  }
  /// exp(score - l), 0 where there is no query or no key.
  template <class Block>
  PRETEXT_HOST_DEVICE void probabilities(Block& block, tile& square, typename tile::strips& memory,
                                         std::size_t unit, std::size_t top, std::size_t left,
                                         const R* log_sum) const {
    square.dots(block, memory, rows(unit, 0).from(top), rows(unit, 1).from(left),
                [=, this](std::size_t r, std::size_t c, R dot) {
                  const bool inside = top + r < e.tokens && left + c < e.tokens;
                  return inside ? std::exp(scale * dot - log_sum[unit * e.tokens + top + r]) : R{0};
                });
  }
  /// dP of queries from `top` on with keys from `left` on.
  template <class Block>
  PRETEXT_HOST_DEVICE void dprobabilities(Block& block, tile& square, typename tile::strips& memory,
                                          std::size_t unit, std::size_t top, std::size_t left) const {
    square.dots(block, memory, dmixed(unit).from(top), rows(unit, 2).from(left),
                [](std::size_t, std::size_t, R dot) { return dot; });
  }
};

}  // namespace pretext::grid
