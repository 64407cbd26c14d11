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

// C = A·B in tiles of shared memory, A and B being anything with entries: matrices, or images seen as the
// matrix that a convolution multiplies. An operand says what it must know of a row, `row(r)`, and of a
// column, `column(c)`, which threads keep while they can, and `where(row, column)` the entry lies, null where
// it is zero. Where neighbouring columns lie side by side it is `along_columns`: so threads share out its
// entries; else neighbouring rows do. Do they lie so in whole lanes of 16 bytes, from every eighth or so on:
// `by_lanes()`?
namespace pretext::grid {

/// A matrix in memory, so many numbers from row to row and from column to column: or its transpose.
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
  bool by_lanes() const { return column_step == 1 && is_vectorizable<T>(row_step, {data}); }
};

/// The extents of a product, in which tiles it is made, and in how many parts of whole tiles its depth is
/// cut: a function of the shape alone, so that small results of long sums keep a GPU busy, too.
template <unsigned Tall, unsigned Wide, unsigned Deep>
struct extents_in_tiles {
  std::size_t m, n, k;

  static constexpr unsigned tall = Tall, wide = Wide, deep = Deep;

  PRETEXT_HOST_DEVICE constexpr std::size_t across() const { return ceil_div(n, wide); }
  PRETEXT_HOST_DEVICE constexpr std::size_t tiles() const { return ceil_div(m, tall) * across(); }
  PRETEXT_HOST_DEVICE constexpr std::size_t length() const {
    const std::size_t wanted = 512 / smaller(tiles(), 512), most = ceil_div(k, 512);
    return ceil_div(k, (wanted < most ? wanted : most > 0 ? most : 1) * deep) * deep;
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t parts() const { return k > 0 ? ceil_div(k, length()) : 1; }
};
using product_extents = extents_in_tiles<64, 64, 16>;

template <class T, class A, class B, class C>
struct tiled_product {
  static constexpr unsigned tall = product_extents::tall, wide = product_extents::wide,
                            deep = product_extents::deep;
  static constexpr unsigned threads = 256, side = 4;  // 16 x 16 threads with 4 x 4 results each
  static_assert(tall == 16 * side && wide == 16 * side && deep == 16);
  struct shared {
    T a[deep][tall + 4];  // rows apart from each other's banks
    T b[deep][wide + 4];
  };
  using a_row = decltype(std::declval<A>().row(0));
  using b_column = decltype(std::declval<B>().column(0));
  /// What a thread keeps: of the 4 entries of each operand that it loads for every step, all share a row or
  /// a column (`across` of the tile), or all lie at one depth.
  struct registers {
    T result[side][side];
    a_row rows[side];
    b_column columns[side];
  };
  product_extents extents;
  A a;
  B b;
  C store;  ///< store(part, row, column, value)

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template per_thread<registers> kept;
    const std::size_t part = block.index() % extents.parts(), tile = block.index() / extents.parts();
    const std::size_t top = tile / extents.across() * tall, left = tile % extents.across() * wide;
    const std::size_t begin = part * extents.length();
    const std::size_t end = smaller(begin + extents.length(), extents.k);
    block.for_each_thread([&](unsigned thread) {
      registers& own = kept[thread];
      for (unsigned s = 0; s < side; ++s) {
        own.rows[s] = a.row(top + across<A::along_columns>(thread, s));
        own.columns[s] = b.column(left + across<!B::along_columns>(thread, s));
      }
    });
    for (std::size_t first = begin; first < end; first += deep) {
      block.for_each_thread([&](unsigned thread) {
        const registers& own = kept[thread];
        for (unsigned s = 0; s < side; ++s) {
          const unsigned r = across<A::along_columns>(thread, s), d = depth<A::along_columns>(thread, s);
          const bool inside = top + r < extents.m && first + d < end;
          memory.a[d][r] = inside ? load_if_any<1>(a.where(own.rows[s], a.column(first + d)))[0] : T{0};
        }
        for (unsigned s = 0; s < side; ++s) {
          const unsigned c = across<!B::along_columns>(thread, s), d = depth<!B::along_columns>(thread, s);
          const bool inside = left + c < extents.n && first + d < end;
          memory.b[d][c] = inside ? load_if_any<1>(b.where(b.row(first + d), own.columns[s]))[0] : T{0};
        }
      });
      block.for_each_thread([&](unsigned thread) {
        registers& own = kept[thread];
        const unsigned row = thread / 16, column = thread % 16;
        for (unsigned d = 0; d < deep; ++d) {
          T x[side], y[side];
          for (unsigned i = 0; i < side; ++i) {
            x[i] = memory.a[d][row * side + i];
            y[i] = memory.b[d][column * side + i];
          }
          for (unsigned i = 0; i < side; ++i)
            for (unsigned j = 0; j < side; ++j) own.result[i][j] += x[i] * y[j];
        }
      });
    }
    block.for_each_thread([&](unsigned thread) {
      for (unsigned i = 0; i < side; ++i)
        for (unsigned j = 0; j < side; ++j) {
          const std::size_t row = top + thread / 16 * side + i, column = left + thread % 16 * side + j;
          if (row < extents.m && column < extents.n) store(part, row, column, kept[thread].result[i][j]);
        }
    });
  }

 private:
  /// Which entry a thread loads as its number s: neighbouring threads go along the depth, or across it.
  template <bool AlongDepth>
  PRETEXT_HOST_DEVICE static constexpr unsigned across(unsigned thread, unsigned s) {
    return AlongDepth ? thread / 16 + 16 * s : thread % 64;
  }
  template <bool AlongDepth>
  PRETEXT_HOST_DEVICE static constexpr unsigned depth(unsigned thread, unsigned s) {
    return AlongDepth ? thread % 16 : thread / 64 + 4 * s;
  }
};

/// Result = A·B, or Result += A·B, added up as its numbers are calculated with, whatever they are stored as.
template <class Context, class A, class B, class Result>
void multiply_into(Context& context, const product_extents& e, const A& a, const B& b, const Result& result,
                   kernels::write_mode mode) {
  using R = arithmetic<std::remove_pointer_t<decltype(result.at(0))>>;
  if (e.m == 0 || e.n == 0) return;
  const bool accumulate = mode == kernels::write_mode::accumulate;
  const std::size_t parts = e.parts(), blocks = e.tiles() * parts;
  if (parts == 1) {
    using store = store_result<Result>;
    launch(context.stream, blocks, tiled_product<R, A, B, store>{e, a, b, store{result, accumulate}});
    return;
  }
  const arena_scope guard{context.workspace};
  R* const waiting = context.workspace.template allocate<R>(parts * e.m * e.n);
  launch(context.stream, blocks,
         tiled_product<R, A, B, store_part<R>>{e, a, b, store_part<R>{waiting, e.m, e.n}});
  parallel_for(context, e.m * e.n, add_parts<R, Result>{waiting, parts, e.m * e.n, accumulate, result});
}

/// The same where C is row-major with n columns.
template <class Context, class A, class B, class C>
void multiply(Context& context, const product_extents& e, const A& a, const B& b, C* c,
              kernels::write_mode mode) {
  multiply_into(context, e, a, b, rows_in_order<C>{c, e.n}, mode);
}

}  // namespace pretext::grid
