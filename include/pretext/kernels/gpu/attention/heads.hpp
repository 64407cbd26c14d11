// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/kernels/attention.hpp>
#include <pretext/kernels/gpu/block/square_tile.hpp>

namespace pretext::inline v0_1::grid {

/// Addresses of each head of each sample. A `unit` is one head of one sample.
template <class T>
struct attention_heads {
  using R = arithmetic<T>;
  static constexpr float log2_of_e = 1.44269504f;
  kernels::attention_extents e;
  std::size_t head_width;  ///< e.head_width(), which is a division
  R scale;
  const T *qkv, *y = nullptr, *dy = nullptr;

  attention_heads(const kernels::attention_extents& extents, const T* from, const T* output = nullptr,
                  const T* dy_values = nullptr)
      : e{extents},
        head_width{extents.head_width()},
        scale{R{1} / std::sqrt(static_cast<R>(head_width))},
        qkv{from},
        y{output},
        dy{dy_values} {}

  /// Where the elements of a unit begin in qkv, and in y and dy. There are fewer than 2^31 units, because a
  /// grid has no more blocks.
  struct offsets {
    std::size_t qkv, y;
  };
  PRETEXT_HOST_DEVICE offsets offsets_of(std::size_t unit) const {
    const auto heads_each = static_cast<std::uint32_t>(e.heads), index = static_cast<std::uint32_t>(unit);
    const std::size_t sample = index / heads_each, head = index % heads_each;
    return {sample * e.tokens * 3 * e.width + head * head_width,
            sample * e.tokens * e.width + head * head_width};
  }

  /// Queries (0), keys (1) or values (2).
  PRETEXT_HOST_DEVICE rows_of<T> rows(std::size_t unit, std::size_t which) const {
    return {qkv + offset(unit, which), 3 * e.width, e.tokens, head_width};
  }
  PRETEXT_HOST_DEVICE rows_of<T> output_gradient(std::size_t unit) const {
    return {dy + offsets_of(unit).y, e.width, e.tokens, head_width};
  }
  /// The same rows in a buffer of qkv's layout that takes gradients.
  PRETEXT_HOST_DEVICE rows_to<T> gradient_rows(T* dqkv, std::size_t unit, std::size_t which) const {
    return {dqkv + offset(unit, which), 3 * e.width, e.tokens, head_width};
  }
  PRETEXT_HOST_DEVICE rows_to<T> output_rows(T* to, std::size_t unit) const {
    return {to + offsets_of(unit).y, e.width, e.tokens, head_width};
  }

  /// δ of a query: Σ_j P_ij dP_ij = dy_i·y_i, N elements at a time.
  template <unsigned N>
  PRETEXT_HOST_DEVICE R delta(std::size_t unit, std::size_t query) const {
    const std::size_t row = offsets_of(unit).y + query * e.width;
    R sum{0};
#ifdef __CUDA_ARCH__
#pragma unroll 1  // the rows that a thread fetches need its registers
#endif
    for (std::size_t c = 0; c < head_width; c += N) {
      const auto output = load<N>(y + row + c), dy_values = load<N>(dy + row + c);
      for (unsigned k = 0; k < N; ++k) sum += output[k] * dy_values[k];
    }
    return sum;
  }

 private:
  PRETEXT_HOST_DEVICE std::size_t offset(std::size_t unit, std::size_t which) const {
    return offsets_of(unit).qkv + which * e.width;
  }
};

/// Scores in square tiles on ordinary cores, and the mapping from blocks to tiles of the results.
template <class T>
struct attention_tiles {
  using R = arithmetic<T>;
  using tile = square_tile<R>;
  static constexpr std::size_t side = tile::side;
  attention_heads<T> heads;

  PRETEXT_HOST_DEVICE std::size_t tokens() const { return heads.e.tokens; }
  PRETEXT_HOST_DEVICE std::size_t tiles() const { return ceil_div(tokens(), side); }
  PRETEXT_HOST_DEVICE std::size_t chunks() const { return ceil_div(heads.head_width, side); }

  struct tile_work {
    std::size_t unit, top, left;
  };
  PRETEXT_HOST_DEVICE tile_work of(std::size_t block, std::size_t chunks_of_result) const {
    const std::size_t above = block / chunks_of_result;
    return {above / tiles(), above % tiles() * side, block % chunks_of_result * side};
  }

  /// Scores of the queries from `top` on with the keys from `left` on; -infinity beyond the last key.
  template <class Block>
  PRETEXT_HOST_DEVICE void scores(Block& block, tile& square, typename tile::strips& memory, std::size_t unit,
                                  std::size_t top, std::size_t left) const {
    square.dots(block, memory, heads.rows(unit, 0).from(top), heads.rows(unit, 1).from(left),
                [=, this](std::size_t, std::size_t c, R dot) {
                  return left + c < tokens() ? heads.scale * dot : minus_infinity<R>();
                });
  }
  /// exp(score - l), 0 outside of the queries and keys.
  template <class Block>
  PRETEXT_HOST_DEVICE void probabilities(Block& block, tile& square, typename tile::strips& memory,
                                         std::size_t unit, std::size_t top, std::size_t left,
                                         const R* log_sum) const {
    square.dots(block, memory, heads.rows(unit, 0).from(top), heads.rows(unit, 1).from(left),
                [=, this](std::size_t r, std::size_t c, R dot) {
                  const bool inside = top + r < tokens() && left + c < tokens();
                  return inside ? std::exp(heads.scale * dot - log_sum[unit * tokens() + top + r]) : R{0};
                });
  }
  /// P and dS·scale of the queries from `top` on with the keys from `left` on.
  template <class Block>
  PRETEXT_HOST_DEVICE void score_gradients(Block& block, tile& p, tile& ds, typename tile::strips& memory,
                                           std::size_t unit, std::size_t top, std::size_t left,
                                           const R* log_sum, const R* delta) const {
    probabilities(block, p, memory, unit, top, left, log_sum);
    ds.dots(block, memory, heads.output_gradient(unit).from(top), heads.rows(unit, 2).from(left),
            [&, this](std::size_t r, std::size_t c, R dp) {
              const R row_delta = top + r < tokens() ? delta[unit * tokens() + top + r] : R{0};
              return heads.scale * p.at[r][c] * (dp - row_delta);
            });
  }
  /// Stores one chunk of columns of a result from registers.
  template <class Block, class Registers>
  PRETEXT_HOST_DEVICE static void store(Block& block, Registers& sum, std::size_t left,
                                        const rows_to<T>& to) {
    tile::store_entries(block, sum, [&](std::size_t r, std::size_t c, R value) { to(r, left + c, value); });
  }
};

}  // namespace pretext::inline v0_1::grid
