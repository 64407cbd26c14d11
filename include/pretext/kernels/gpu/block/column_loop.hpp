// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <numeric>

#include <pretext/core/divisor.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>

// Memory-bound kernels over the rows of a matrix that need values per column: a thread stays in its columns,
// so that it loads these values once and divides nothing. The functor `work` provides
//
//   work.template in_column<N>(group, c)   values of columns [c, c + N) in a group of rows, an object with
//     .read(i)                               what is loaded of elements [i, i + N)
//     .write(i, read)                        stores the results; another row may have been read before
//
// N is `lanes<T>` where rows are aligned and 1 otherwise.
namespace pretext::inline v0_1::grid {

/// The kernel of for_each_column.
template <class T, class Work>
struct column_loop {
  static constexpr unsigned threads = 256, blocks_at_once = 2;
  using shared = no_memory;
  divisor vectors;            ///< of a row; it divides the number of threads of the grid
  std::size_t n, group_size;  ///< elements of the matrix and of a group of its rows
  bool vectorized;
  Work work;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    block.for_each_thread([&](unsigned thread) {
      const auto first = static_cast<std::uint32_t>(block.index()) * threads + thread;
      if (vectorized)
        visit<lanes<T>>(first, block.count() * threads);
      else
        visit<1>(first, block.count() * threads);
    });
  }

 private:
  template <unsigned N>
  PRETEXT_HOST_DEVICE void visit(std::uint32_t first, std::size_t thread_count) const {
    const std::size_t c = std::size_t{first - vectors.quotient(first) * vectors.value()} * N,
                      step = thread_count * N;
    std::size_t i = std::size_t{first} * N, end = group_size;
    for (std::size_t group = 0; i < n; ++group, end += group_size) {
      if (i >= end) continue;
      const auto column = work.template in_column<N>(group, c);
      for (; i + step < end;
           i += 2 * step) {  // two loads at a time: a store could change what is loaded after it
        const auto one = column.read(i), other = column.read(i + step);
        column.write(i, one);
        column.write(i + step, other);
      }
      for (; i < end; i += step) column.write(i, column.read(i));
    }
  }
};

/// Launches `work` over the elements (rows, columns) of type T that the arrays `pointers` hold. The rows are
/// `groups` equal groups.
template <class T, class Context, class Work>
void for_each_column(Context& context, std::size_t rows, std::size_t columns, std::size_t groups,
                     std::initializer_list<const void*> pointers, const Work& work) {
  using kernel = column_loop<T, Work>;
  if (rows == 0 || columns == 0) return;
  const bool vectorized = is_vectorizable<T>(columns, pointers);
  const std::size_t vectors = vectorized ? columns / lanes<T> : columns;
  const std::size_t unit =
      vectors / std::gcd(vectors, std::size_t{kernel::threads});  // blocks with whole rows
  const std::size_t wanted = ceil_div(rows * vectors, kernel::threads * unit),
                    blocks = smaller(wanted, std::max(most_blocks / unit, std::size_t{1})) * unit;
  expects(blocks < std::size_t{1} << 24, columns, " columns are more than a GPU kernel counts");
  launch(context.stream, blocks,
         kernel{divisor{vectors}, rows * columns, rows / groups * columns, vectorized, work});
}

}  // namespace pretext::inline v0_1::grid
