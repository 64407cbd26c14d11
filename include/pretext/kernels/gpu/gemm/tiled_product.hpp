// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <type_traits>
#include <utility>

#include <pretext/core/arena.hpp>
#include <pretext/core/bfloat16.hpp>
#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>
#include <pretext/kernels/gpu/gemm/product_results.hpp>
#include <pretext/kernels/kernel.hpp>

// C = A·B in tiles of shared memory, where A and B are anything with entries: matrices, or images seen as
// the matrix of an implicit-GEMM convolution. An operand provides `row(r)` and `column(c)`, the parts of an
// address that threads compute once and keep in registers, and `where(row, column)`, the address of an
// entry or null where the entry is zero. `along_columns` tells that neighbouring columns are contiguous in
// memory (else neighbouring rows are), so that threads can read contiguously. `vectorizable()` returns
// whether aligned groups of 8 neighbours can be read as 16 bytes.
namespace pretext::inline v0_1::grid {

/// A matrix in memory with arbitrary strides; exchanging them transposes it.
template <class T>
struct matrix {
  static constexpr bool along_columns = true;
  const T* data;
  std::size_t row_step, column_step = 1;

  PRETEXT_HOST_DEVICE std::size_t row(std::size_t r) const { return r * row_step; }
  PRETEXT_HOST_DEVICE std::size_t column(std::size_t c) const { return c * column_step; }
  PRETEXT_HOST_DEVICE const T* where(std::size_t row, std::size_t column) const {
    return data + row + column;
  }
  bool vectorizable() const { return column_step == 1 && is_vectorizable<T>(row_step, {data}); }
};

/// A product's extents, its tiles, and its split-K factor. The split depends on the shape alone, so results
/// do not depend on the GPU; it keeps a GPU busy where a small result has long sums.
template <unsigned Tall, unsigned Wide, unsigned Deep>
struct tiled_extents {
  std::size_t m, n, k;

  static constexpr unsigned tall = Tall, wide = Wide, deep = Deep;

  PRETEXT_HOST_DEVICE constexpr std::size_t across() const { return ceil_div(n, wide); }
  PRETEXT_HOST_DEVICE constexpr std::size_t tiles() const { return ceil_div(m, tall) * across(); }
  PRETEXT_HOST_DEVICE constexpr std::size_t split_depth() const {
    const std::size_t wanted = 512 / smaller(tiles(), 512), limit = ceil_div(k, 512);
    return ceil_div(k, (wanted < limit ? wanted : limit > 0 ? limit : 1) * deep) * deep;
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t splits() const { return k > 0 ? ceil_div(k, split_depth()) : 1; }
};
using product_extents = tiled_extents<64, 64, 16>;

/// Computes one 64×64 tile of A·B for one split of the depth, 16 deep at a time.
template <class T, class A, class B, class C>
struct tiled_product {
  static constexpr unsigned tall = product_extents::tall, wide = product_extents::wide,
                            deep = product_extents::deep;
  static constexpr unsigned threads = 256, side = 4;  // 16×16 threads with 4×4 results each
  static_assert(tall == 16 * side && wide == 16 * side && deep == 16);
  struct shared {
    T a[deep][tall + 4];  // padded against bank conflicts
    T b[deep][wide + 4];
  };
  using a_row = decltype(std::declval<A>().row(0));
  using b_column = decltype(std::declval<B>().column(0));
  /// A thread's registers: of the 4 entries of each operand that it loads per step, either all share a row
  /// or column (`across` the depth), or all have the same depth.
  struct registers {
    T result[side][side];
    a_row rows[side];
    b_column columns[side];
  };
  product_extents extents;
  A a;
  B b;
  C store;  ///< store(split, row, column, value)

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template per_thread<registers> registers_of;
    const std::size_t split = block.index() % extents.splits(), tile = block.index() / extents.splits();
    const std::size_t top = tile / extents.across() * tall, left = tile % extents.across() * wide;
    const std::size_t begin = split * extents.split_depth();
    const std::size_t end = smaller(begin + extents.split_depth(), extents.k);
    block.for_each_thread([&](unsigned thread) {
      registers& local = registers_of[thread];
      for (unsigned s = 0; s < side; ++s) {
        local.rows[s] = a.row(top + across<A::along_columns>(thread, s));
        local.columns[s] = b.column(left + across<!B::along_columns>(thread, s));
      }
    });
    for (std::size_t first = begin; first < end; first += deep) {
      block.for_each_thread([&](unsigned thread) {
        const registers& local = registers_of[thread];
        for (unsigned s = 0; s < side; ++s) {
          const unsigned r = across<A::along_columns>(thread, s), d = depth<A::along_columns>(thread, s);
          const bool inside = top + r < extents.m && first + d < end;
          memory.a[d][r] = inside ? load_or_zero<1>(a.where(local.rows[s], a.column(first + d)))[0] : T{0};
        }
        for (unsigned s = 0; s < side; ++s) {
          const unsigned c = across<!B::along_columns>(thread, s), d = depth<!B::along_columns>(thread, s);
          const bool inside = left + c < extents.n && first + d < end;
          memory.b[d][c] = inside ? load_or_zero<1>(b.where(b.row(first + d), local.columns[s]))[0] : T{0};
        }
      });
      block.for_each_thread([&](unsigned thread) {
        registers& local = registers_of[thread];
        const unsigned row = thread / 16, column = thread % 16;
        for (unsigned d = 0; d < deep; ++d) {
          T x[side], y[side];
          for (unsigned i = 0; i < side; ++i) {
            x[i] = memory.a[d][row * side + i];
            y[i] = memory.b[d][column * side + i];
          }
          for (unsigned i = 0; i < side; ++i)
            for (unsigned j = 0; j < side; ++j) local.result[i][j] += x[i] * y[j];
        }
      });
    }
    block.for_each_thread([&](unsigned thread) {
      for (unsigned i = 0; i < side; ++i)
        for (unsigned j = 0; j < side; ++j) {
          const std::size_t row = top + thread / 16 * side + i, column = left + thread % 16 * side + j;
          if (row < extents.m && column < extents.n)
            store(split, row, column, registers_of[thread].result[i][j]);
        }
    });
  }

 private:
  /// The position of the s-th entry that a thread loads: neighbouring threads read along the depth, or
  /// across it.
  template <bool AlongDepth>
  PRETEXT_HOST_DEVICE static constexpr unsigned across(unsigned thread, unsigned s) {
    return AlongDepth ? thread / 16 + 16 * s : thread % 64;
  }
  template <bool AlongDepth>
  PRETEXT_HOST_DEVICE static constexpr unsigned depth(unsigned thread, unsigned s) {
    return AlongDepth ? thread % 16 : thread / 64 + 4 * s;
  }
};

/// Result = A·B or Result += A·B; sums are computed in the result's arithmetic type.
template <class Context, class A, class B, class Result>
void multiply_into(Context& context, const product_extents& e, const A& a, const B& b, const Result& result,
                   kernels::write_mode mode) {
  using R = arithmetic<std::remove_pointer_t<decltype(result.at(0))>>;
  if (e.m == 0 || e.n == 0) return;
  const bool accumulate = mode == kernels::write_mode::accumulate;
  const std::size_t splits = e.splits(), blocks = e.tiles() * splits;
  if (splits == 1) {
    using store = store_result<Result>;
    launch(context.stream, blocks, tiled_product<R, A, B, store>{e, a, b, store{result, accumulate}});
    return;
  }
  const arena_scope guard{context.workspace};
  R* const partial = context.workspace.template allocate<R>(splits * e.m * e.n);
  launch(context.stream, blocks,
         tiled_product<R, A, B, store_split<R>>{e, a, b, store_split<R>{partial, e.m, e.n}});
  parallel_for(context, e.m * e.n, reduce_splits<R, Result>{partial, splits, e.m * e.n, accumulate, result});
}

/// The same for a row-major C with n contiguous columns.
template <class Context, class A, class B, class C>
void multiply(Context& context, const product_extents& e, const A& a, const B& b, C* c,
              kernels::write_mode mode) {
  multiply_into(context, e, a, b, rows_in_order<C>{c, e.n}, mode);
}

}  // namespace pretext::inline v0_1::grid
