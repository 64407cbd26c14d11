#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/kernels/attention.hpp>
#include <pretext/kernels/gpu/block/square_tile.hpp>

namespace pretext::grid {

/// Where the numbers of each head of each sample lie. A `unit` is one head of one sample.
template <class T>
struct attention_heads {
  using R = arithmetic<T>;
  kernels::attention_extents e;
  R scale;
  const T *qkv, *y = nullptr, *dy = nullptr;

  attention_heads(const kernels::attention_extents& extents, const T* from, const T* made = nullptr,
                  const T* slope = nullptr)
      : e{extents},
        scale{R{1} / std::sqrt(static_cast<R>(extents.head_width()))},
        qkv{from},
        y{made},
        dy{slope} {}

  /// Queries (0), keys (1) or values (2).
  PRETEXT_HOST_DEVICE rows_of<T> rows(std::size_t unit, std::size_t which) const {
    return {qkv + offset(unit, which), 3 * e.width, e.tokens, e.head_width()};
  }
  PRETEXT_HOST_DEVICE rows_of<T> dmixed(std::size_t unit) const {
    return {dy + mixed_offset(unit), e.width, e.tokens, e.head_width()};
  }
  /// Their places in memory of the same layout.
  PRETEXT_HOST_DEVICE rows_to<T> rows_in(T* dqkv, std::size_t unit, std::size_t which) const {
    return {dqkv + offset(unit, which), 3 * e.width, e.tokens, e.head_width()};
  }
  PRETEXT_HOST_DEVICE rows_to<T> mixed_in(T* to, std::size_t unit) const {
    return {to + mixed_offset(unit), e.width, e.tokens, e.head_width()};
  }

  /// Σ_j P_ij dP_ij of a query, N numbers at a time.
  template <unsigned N>
  PRETEXT_HOST_DEVICE R delta(std::size_t unit, std::size_t query) const {
    const std::size_t row = mixed_offset(unit) + query * e.width;
    R sum{0};
    for (std::size_t c = 0; c < e.head_width(); c += N) {
      const auto made = load<N>(y + row + c), slope = load<N>(dy + row + c);
      for (unsigned k = 0; k < N; ++k) sum += made[k] * slope[k];
    }
    return sum;
  }

 private:
  PRETEXT_HOST_DEVICE std::size_t offset(std::size_t unit, std::size_t which) const {
    return unit / e.heads * e.tokens * 3 * e.width + which * e.width + unit % e.heads * e.head_width();
  }
  PRETEXT_HOST_DEVICE std::size_t mixed_offset(std::size_t unit) const {
    return unit / e.heads * e.tokens * e.width + unit % e.heads * e.head_width();
  }
};

/// Scores in square tiles on ordinary cores, and which rows and columns of a result a block of threads makes.
template <class T>
struct attention_tiles {
  using R = arithmetic<T>;
  using tile = square_tile<R>;
  static constexpr std::size_t side = tile::side;
  attention_heads<T> heads;

  PRETEXT_HOST_DEVICE std::size_t tokens() const { return heads.e.tokens; }
  PRETEXT_HOST_DEVICE std::size_t tiles() const { return ceil_div(tokens(), side); }
  PRETEXT_HOST_DEVICE std::size_t chunks() const { return ceil_div(heads.e.head_width(), side); }

  struct work {
    std::size_t unit, top, left;
  };
  PRETEXT_HOST_DEVICE work of(std::size_t block, std::size_t chunks_of_result) const {
    const std::size_t above = block / chunks_of_result;
    return {above / tiles(), above % tiles() * side, block % chunks_of_result * side};
  }

  /// Scores of queries from `top` on with keys from `left` on; -infinity where there is no key.
  template <class Block>
  PRETEXT_HOST_DEVICE void scores(Block& block, tile& square, typename tile::strips& memory, std::size_t unit,
                                  std::size_t top, std::size_t left) const {
    square.dots(block, memory, heads.rows(unit, 0).from(top), heads.rows(unit, 1).from(left),
                [=, this](std::size_t, std::size_t c, R dot) {
                  return left + c < tokens() ? heads.scale * dot : minus_infinity<R>();
                });
  }
  /// exp(score - l), 0 where there is no query or no key.
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
  /// P and dS·scale of queries from `top` on with keys from `left` on.
  template <class Block>
  PRETEXT_HOST_DEVICE void slopes(Block& block, tile& p, tile& ds, typename tile::strips& memory,
                                  std::size_t unit, std::size_t top, std::size_t left, const R* log_sum,
                                  const R* delta) const {
    probabilities(block, p, memory, unit, top, left, log_sum);
    ds.dots(block, memory, heads.dmixed(unit).from(top), heads.rows(unit, 2).from(left),
            [&, this](std::size_t r, std::size_t c, R dp) {
              const R of_row = top + r < tokens() ? delta[unit * tokens() + top + r] : R{0};
              return heads.scale * p.at[r][c] * (dp - of_row);
            });
  }
  /// A chunk of a result, whose sums lie with their threads.
  template <class Block, class Own>
  PRETEXT_HOST_DEVICE static void store(Block& block, Own& sum, std::size_t left, const rows_to<T>& to) {
    tile::for_each_number(block, sum, [&](std::size_t r, std::size_t c, R one) { to(r, left + c, one); });
  }
};

}  // namespace pretext::grid
