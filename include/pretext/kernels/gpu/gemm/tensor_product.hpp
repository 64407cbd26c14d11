// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/devices/grid/tiles.hpp>
#include <pretext/kernels/gpu/gemm/staged_operands.hpp>
#include <pretext/kernels/gpu/gemm/tiled_product.hpp>

namespace pretext::inline v0_1::grid {

using tensor_extents = tiled_extents<128, 64, 32>;

/// Stores a block's sums 8 at a time: into the result or, if the depth is split, into the partial sums.
template <class Result>
struct store_sums {
  Result result;
  float* splits;  ///< null unless the depth is split
  std::size_t m, n;
  bool accumulate, vectorized;  ///< 8 consecutive results are 16-byte aligned

  PRETEXT_HOST_DEVICE void operator()(std::size_t split, std::size_t row, std::size_t column,
                                      const float* sums) const {
    if (row >= m) return;
    if (splits)
      store8(splits + (split * m + row) * n + column, column, sums, false);
    else
      store8(result(row, column), column, sums, accumulate);
  }

 private:
  template <class T>
  PRETEXT_HOST_DEVICE void store8(T* to, std::size_t column, const float* sums, bool add) const {
    if (vectorized) {
      if (column < n) store_vec<8>(to, sums, add);
    } else {
      for (unsigned k = 0; k < 8; ++k)
        if (column + k < n) store_vec<1>(to + k, sums + k, add);
    }
  }
  template <unsigned N, class T>
  PRETEXT_HOST_DEVICE static void store_vec(T* to, const float* sums, bool add) {
    vec<float, N> x = load<N>(sums);
    if (add) {
      const auto before = load<N>(static_cast<const T*>(to));
      for (unsigned k = 0; k < N; ++k) x[k] += before[k];
    }
    store<N>(to, x);
  }
};

/// A·B of bfloat16 operands with float sums: tensor cores multiply tiles in shared memory while the next
/// tiles are fetched from global memory.
template <class A, class B, class Result>
struct tensor_product {
  static constexpr unsigned threads = 256, blocks_at_once = requires { A::needs_many_registers; }
  ? 1 : 2;
  static constexpr unsigned tall = tensor_extents::tall, wide = tensor_extents::wide,
                            deep = tensor_extents::deep;
  struct shared {
    operand_tile<tall, deep, !A::along_columns> a;
    operand_tile<deep, wide, !B::along_columns> b;
    sums_staging<threads> staging;
  };
  struct registers {
    staged_operand<from_left<A>, tall, deep, threads> a;
    staged_operand<from_right<B>, wide, deep, threads> b;
  };
  tensor_extents extents;
  from_left<A> a;
  from_right<B> b;
  bool a_vectorized, b_vectorized;  ///< 8 consecutive elements are 16-byte aligned
  store_sums<Result> store;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template per_thread<registers> registers_of;
    typename Block::template tile_sums<tall, wide> sums;
    const std::size_t splits = extents.splits(), split = block.index() % splits,
                      tile = block.index() / splits;
    const std::size_t top = tile / extents.across() * tall, left = tile % extents.across() * wide;
    const std::size_t begin = split * extents.split_depth(),
                      end = smaller(begin + extents.split_depth(), extents.k);
    block.for_each_thread([&](unsigned thread) {
      registers& local = registers_of[thread];
      local.a.start(a, thread, top);
      local.b.start(b, thread, left);
      fetch(local, thread, top, left, begin, end);
    });
    for (std::size_t first = begin; first < end; first += deep) {
      block.for_each_thread([&](unsigned thread) {
        registers& local = registers_of[thread];
        local.a.write(thread, memory.a);
        local.b.write(thread, memory.b);
        if (first + deep < end) fetch(local, thread, top, left, first + deep, end);
      });
      sums.add(memory.a, memory.b);
    }
    sums.visit(memory.staging, [&](unsigned row, unsigned column, const float* chunk) {
      store(split, top + row, left + column, chunk);
    });
  }

 private:
  PRETEXT_HOST_DEVICE void fetch(registers& local, unsigned thread, std::size_t top, std::size_t left,
                                 std::size_t first, std::size_t end) const {
    if (a_vectorized)
      local.a.template fetch<8>(a, thread, top, extents.m, first, end);
    else
      local.a.template fetch<1>(a, thread, top, extents.m, first, end);
    if (b_vectorized)
      local.b.template fetch<8>(b, thread, left, extents.n, first, end);
    else
      local.b.template fetch<1>(b, thread, left, extents.n, first, end);
  }
};

/// `multiply_into` (tiled_product.hpp) on tensor cores: operands are bfloat16, sums are float.
template <class Context, class A, class B, class Result>
void tensor_multiply_into(Context& context, const tensor_extents& e, const A& a, const B& b,
                          const Result& result, kernels::write_mode mode) {
  if (e.m == 0 || e.n == 0) return;
  const bool accumulate = mode == kernels::write_mode::accumulate;
  const std::size_t splits = e.splits(), all = e.m * e.n;
  const arena_scope guard{context.workspace};
  float* const partial = splits > 1 ? context.workspace.template allocate<float>(splits * all) : nullptr;
  // Sums leave in groups of 8, but an aligned row of floats may have 4 left over.
  const bool vectorized =
      e.n % 8 == 0 && (partial ? is_vectorizable<float>(e.n, {partial}) : result.vectorizable());
  launch(context.stream, e.tiles() * splits,
         tensor_product<A, B, Result>{e,
                                      {a},
                                      {b},
                                      a.vectorizable(),
                                      b.vectorizable(),
                                      {result, partial, e.m, e.n, accumulate, vectorized}});
  if (partial)
    parallel_for(context, all, reduce_splits<float, Result>{partial, splits, all, accumulate, result});
}

/// The same for a row-major C with n contiguous columns.
template <class Context, class A, class B, class C>
void tensor_multiply(Context& context, const tensor_extents& e, const A& a, const B& b, C* c,
                     kernels::write_mode mode) {
  tensor_multiply_into(context, e, a, b, rows_in_order<C>{c, e.n}, mode);
}

}  // namespace pretext::inline v0_1::grid
