// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// Rows of a block: enough to amortise a partial sum; independent of the number of threads.
inline std::size_t rows_of_block(std::size_t columns) {
  return std::clamp<std::size_t>((std::size_t{1} << 15) / columns, 8, 256);
}

/// Adds partial sums (blocks, Sums, columns) to `total` in order, so that the result does not depend on the
/// number of threads. A null total is skipped.
template <class Context, class T, std::size_t Sums>
void add_partial_sums(Context& context, std::size_t blocks, std::size_t columns, const T* partial,
                      T* const (&total)[Sums]) {
  context.stream.for_each_run(columns, 64, [&](std::size_t first, std::size_t last) {
    for (std::size_t s = 0; s < Sums; ++s)
      for (std::size_t block = 0; total[s] && block < blocks; ++block)
        for (std::size_t c = first; c < last; ++c) total[s][c] += partial[(block * Sums + s) * columns + c];
  });
}

/// Calls `work(first, last, partial)` for blocks of rows, vectorised; `partial` is (Sums, columns), initially
/// zero. The sums of all partials are added to `total`.
template <class Context, class T, std::size_t Sums, class Work>
void sum_columns(Context& context, std::size_t rows, std::size_t columns, T* const (&total)[Sums],
                 const Work& work) {
  const std::size_t run = rows_of_block(columns), blocks = (rows + run - 1) / run, stride = Sums * columns;
  const arena_scope guard{context.workspace};
  T* const partial = context.workspace.template allocate<T>(blocks * stride);
  context.stream.for_each_run(rows, run, [&](std::size_t first, std::size_t last) {
    T* block_sums = partial + first / run * stride;
    std::fill_n(block_sums, stride, T{0});
    vectorised([&] { work(first, last, block_sums); });
  });
  add_partial_sums(context, blocks, columns, partial, total);
}

}  // namespace pretext::inline v0_1::kernels::detail
