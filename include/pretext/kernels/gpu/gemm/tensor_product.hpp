#pragma once
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/devices/grid/tiles.hpp>
#include <pretext/kernels/gpu/gemm/staged_operands.hpp>
#include <pretext/kernels/gpu/gemm/tiled_product.hpp>

namespace pretext::grid {

using tensor_extents = extents_in_tiles<128, 64, 32>;

/// Where a block's sums go, eight at a time: into the result or, of a product in parts, where those wait.
template <class Result>
struct store_sums {
  Result result;
  float* parts;  ///< none: null
  std::size_t m, n;
  bool accumulate, together;  ///< eight results side by side lie in whole lanes

  PRETEXT_HOST_DEVICE void operator()(std::size_t part, std::size_t row, std::size_t column,
                                      const float* sums) const {
    if (row >= m) return;
    if (parts)
      put(parts + (part * m + row) * n + column, column, sums, false);
    else
      put(result(row, column), column, sums, accumulate);
  }

 private:
  template <class T>
  PRETEXT_HOST_DEVICE void put(T* to, std::size_t column, const float* sums, bool add) const {
    if (together) {
      if (column < n) put_some<8>(to, sums, add);
    } else {
      for (unsigned k = 0; k < 8; ++k)
        if (column + k < n) put_some<1>(to + k, sums + k, add);
    }
  }
  template <unsigned N, class T>
  PRETEXT_HOST_DEVICE static void put_some(T* to, const float* sums, bool add) {
    vec<float, N> x = load<N>(sums);
    if (add) {
      const auto before = load<N>(static_cast<const T*>(to));
      for (unsigned k = 0; k < N; ++k) x[k] += before[k];
    }
    store<N>(to, x);
  }
};

/// A·B of operands stored as bfloat16, added up in float: tiles of both in shared memory, which tensor cores
/// multiply while the next ones are fetched.
template <class A, class B, class Result>
struct tensor_product {
  static constexpr unsigned threads = 256, blocks_at_once = 2;
  static constexpr unsigned tall = tensor_extents::tall, wide = tensor_extents::wide,
                            deep = tensor_extents::deep;
  struct shared {
    factor_tile<tall, deep, !A::along_columns> a;
    factor_tile<deep, wide, !B::along_columns> b;
    sums_apart<threads> apart;
  };
  struct registers {
    staged_factors<from_left<A>, tall, deep, threads> a;
    staged_factors<from_right<B>, wide, deep, threads> b;
  };
  tensor_extents extents;
  from_left<A> a;
  from_right<B> b;
  bool a_together, b_together;  ///< eight numbers side by side lie in 16 bytes
  store_sums<Result> store;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template per_thread<registers> kept;
    typename Block::template tile_sums<tall, wide> sums;
    const std::size_t parts = extents.parts(), part = block.index() % parts, tile = block.index() / parts;
    const std::size_t top = tile / extents.across() * tall, left = tile % extents.across() * wide;
    const std::size_t begin = part * extents.length(), end = smaller(begin + extents.length(), extents.k);
    block.for_each_thread([&](unsigned thread) {
      registers& own = kept[thread];
      own.a.start(a, thread, top);
      own.b.start(b, thread, left);
      fetch(own, thread, top, left, begin, end);
    });
    for (std::size_t first = begin; first < end; first += deep) {
      block.for_each_thread([&](unsigned thread) {
        registers& own = kept[thread];
        own.a.write(thread, memory.a);
        own.b.write(thread, memory.b);
        if (first + deep < end) fetch(own, thread, top, left, first + deep, end);
      });
      sums.add(memory.a, memory.b);
    }
    sums.each(memory.apart, [&](unsigned row, unsigned column, const float* eight) {
      store(part, top + row, left + column, eight);
    });
  }

 private:
  PRETEXT_HOST_DEVICE void fetch(registers& own, unsigned thread, std::size_t top, std::size_t left,
                                 std::size_t first, std::size_t end) const {
    if (a_together)
      own.a.template fetch<8>(a, thread, top, extents.m, first, end);
    else
      own.a.template fetch<1>(a, thread, top, extents.m, first, end);
    if (b_together)
      own.b.template fetch<8>(b, thread, left, extents.n, first, end);
    else
      own.b.template fetch<1>(b, thread, left, extents.n, first, end);
  }
};

/// `multiply_into` (tiled_product.hpp) on tensor cores: the digits that bfloat16 has are all that is
/// multiplied.
template <class Context, class A, class B, class Result>
void multiply_factors_into(Context& context, const tensor_extents& e, const A& a, const B& b,
                           const Result& result, kernels::write_mode mode) {
  if (e.m == 0 || e.n == 0) return;
  const bool accumulate = mode == kernels::write_mode::accumulate;
  const std::size_t parts = e.parts(), all = e.m * e.n;
  const arena_scope guard{context.workspace};
  float* const waiting = parts > 1 ? context.workspace.template allocate<float>(parts * all) : nullptr;
  // Sums are stored by eights: rows of floats that hold whole lanes may end in four.
  const bool together =
      e.n % 8 == 0 && (waiting ? is_vectorizable<float>(e.n, {waiting}) : result.by_lanes());
  launch(context.stream, e.tiles() * parts,
         tensor_product<A, B, Result>{
             e, {a}, {b}, a.by_lanes(), b.by_lanes(), {result, waiting, e.m, e.n, accumulate, together}});
  if (waiting) parallel_for(context, all, add_parts<float, Result>{waiting, parts, all, accumulate, result});
}

/// The same where C is row-major with n columns.
template <class Context, class A, class B, class C>
void multiply_factors(Context& context, const tensor_extents& e, const A& a, const B& b, C* c,
                      kernels::write_mode mode) {
  multiply_factors_into(context, e, a, b, rows_in_order<C>{c, e.n}, mode);
}

}  // namespace pretext::grid
