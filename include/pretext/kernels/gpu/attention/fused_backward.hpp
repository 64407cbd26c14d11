#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/kernels/gpu/attention/fused_forward.hpp>

namespace pretext::grid {

/// All gradients of a head: dv = Pᵀ·dy, dk = dSᵀ·q·scale and dq = dS·k·scale (attention_backward.hpp). Tiles
/// of keys one after another, each with all queries; what comes together for the queries waits in shared
/// memory.
template <unsigned Depth>
struct short_attention_backward {
  using squares = attention_squares<Depth>;
  using rows = typename squares::rows;
  static constexpr unsigned threads = squares::threads, side = squares::side,
                            blocks_at_once = Depth > 64 ? 1 : 2;
  struct shared {
    typename rows::tile queries, slopes, keys, values;  ///< slopes: of y
    typename squares::square p, ds;
    sums_apart<threads, 2> apart;
  };
  squares all;
  const float* log_sum;
  bfloat16* dqkv;

  constexpr std::size_t blocks_of_head() const { return 1; }
  /// log_sum and δ of all queries, then dq where keys are more than one tile.
  PRETEXT_HOST_DEVICE constexpr std::size_t dynamic_shared() const {
    return 2 * all.whole_squares() + (all.tiles() > 1 ? all.whole_squares() * stride : 0);
  }

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    const std::size_t unit = block.index(), tokens = all.tokens();
    const of_queries by_query{block.dynamic_shared(), block.dynamic_shared() + all.whole_squares(),
                              block.dynamic_shared() + 2 * all.whole_squares()};
    for (std::size_t left = 0; left < tokens; left += side) {
      typename Block::template tile_sums<side, Depth> dkeys, dvalues;
      for (std::size_t top = 0; top < tokens; top += side) {
        fetch(block, unit, top, left, by_query);
        weigh(block, top, left, by_query);
        const product_limits of_key{all.count(left), all.depth(), all.count(top)};
        dvalues.add(transposed{memory.p}, memory.slopes, of_key);
        dkeys.add(transposed{memory.ds}, memory.queries, of_key);
        add_to_queries(block, top, left, by_query.sums, all.heads.rows_in(dqkv, unit, 0).from(top));
      }
      const product_limits made{all.count(left), all.depth(), 0};
      store(dkeys, memory.apart, all.heads.rows_in(dqkv, unit, 1).from(left), all.heads.scale, made);
      store(dvalues, memory.apart, all.heads.rows_in(dqkv, unit, 2).from(left), 1, made);
    }
  }

 private:
  static constexpr std::size_t stride = Depth + 4;
  struct of_queries {
    float *log_sum, *delta, *sums;  ///< log_sum of base 2
  };

  /// A tile of queries and of their gradients, and of keys and values if it is their first.
  template <class Block>
  PRETEXT_HOST_DEVICE void fetch(Block& block, std::size_t unit, std::size_t top, std::size_t left,
                                 const of_queries& by_query) const {
    auto& memory = block.shared();
    block.for_each_thread([&](unsigned thread) {
      rows queries, slopes, keys, values;
      queries.fetch(thread, all.heads.rows(unit, 0).from(top));
      slopes.fetch(thread, all.heads.dmixed(unit).from(top));
      if (top == 0) {
        keys.fetch(thread, all.heads.rows(unit, 1).from(left));
        values.fetch(thread, all.heads.rows(unit, 2).from(left));
      }
      if (left == 0 && thread < all.count(top)) {
        const std::size_t query = top + thread;
        by_query.log_sum[query] = log_sum[unit * all.tokens() + query] * squares::log2_of_e;
        by_query.delta[query] = all.heads.template delta<8>(unit, query);
      }
      queries.write(thread, memory.queries);
      slopes.write(thread, memory.slopes);
      if (top > 0) return;
      keys.write(thread, memory.keys);
      values.write(thread, memory.values);
    });
  }

  /// P and dS of the tile in shared memory, 0 where there is no query or no key.
  template <class Block>
  PRETEXT_HOST_DEVICE void weigh(Block& block, std::size_t top, std::size_t left,
                                 const of_queries& by_query) const {
    auto& memory = block.shared();
    const unsigned queries = all.count(top), keys = all.count(left);
    const product_limits limits{queries, keys, all.depth()};
    const float scale = all.heads.scale * squares::log2_of_e;
    typename Block::template tile_sums<side, side> dots, dp;
    dots.add(memory.queries, transposed{memory.keys}, limits);
    dp.add(memory.slopes, transposed{memory.values}, limits);
    dots.each_beside(
        dp, memory.apart,
        [&](unsigned r, unsigned c, const float* dot, const float* slope) {
          vec<float, 8> p{}, ds{};
          for (unsigned k = 0; k < 8; ++k)
            if (r < queries && c + k < keys) {
              p[k] = std::exp2(dot[k] * scale - by_query.log_sum[top + r]);
              ds[k] = p[k] * (slope[k] - by_query.delta[top + r]);
            }
          put_eight(memory.p, r, c, p);
          put_eight(memory.ds, r, c, ds);
        },
        limits);
    block.for_each_thread([](unsigned) {});
  }

  /// dS·k of a tile of queries joins those of the keys before.
  template <class Block>
  PRETEXT_HOST_DEVICE void add_to_queries(Block& block, std::size_t top, std::size_t left, float* waiting,
                                          const rows_to<bfloat16>& to) const {
    auto& memory = block.shared();
    const product_limits limits{all.count(top), all.depth(), all.count(left)};
    typename Block::template tile_sums<side, Depth> sums;
    sums.add(memory.ds, memory.keys, limits);
    sums.each(
        memory.apart,
        [&](unsigned r, unsigned c, const float* eight) {
          auto sum = load<8>(eight);
          float* const mine = waiting + (top + r) * stride + c;
          if (left > 0) {
            const auto before = load<8>(static_cast<const float*>(mine));
            for (unsigned k = 0; k < 8; ++k) sum[k] += before[k];
          }
          if (left + side < all.tokens())
            grid::store<8>(mine, sum);
          else
            put_scaled(to, r, c, sum, all.heads.scale);
        },
        limits);
  }

  template <class Sums>
  PRETEXT_HOST_DEVICE static void store(const Sums& sums, sums_apart<threads, 2>& apart,
                                        const rows_to<bfloat16>& to, float scale,
                                        const product_limits& limits) {
    sums.each(
        apart,
        [&](unsigned r, unsigned c, const float* eight) { put_scaled(to, r, c, load<8>(eight), scale); },
        limits);
  }
  PRETEXT_HOST_DEVICE static void put_scaled(const rows_to<bfloat16>& to, unsigned r, unsigned c,
                                             vec<float, 8> numbers, float scale) {
    for (unsigned k = 0; k < 8; ++k) numbers[k] *= scale;
    to.put(r, c, numbers);
  }
};

}  // namespace pretext::grid
