// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include <pretext/core/divisor.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>

// Memory-bound kernels that need the row of what they access: GPUs divide slowly, and 64-bit integers
// slowest.
namespace pretext::inline v0_1::grid {

/// The row, and the position within it, of vectors of a matrix: without a division.
struct vector_position {
  divisor vectors;  ///< of a row

  PRETEXT_HOST_DEVICE std::uint32_t row(std::uint32_t vector) const { return vectors.quotient(vector); }
  PRETEXT_HOST_DEVICE std::uint32_t within(std::uint32_t vector) const {
    return vector - row(vector) * vectors.value();
  }
};
/// Launches `make(positions)` over the elements of rows of `columns`; the positions are those of its vectors.
template <class T, class Context, class Make>
void for_each_vector(Context& context, std::size_t rows, std::size_t columns,
                     std::initializer_list<const void*> pointers, const Make& make) {
  const std::size_t vectors = is_vectorizable<T>(columns, pointers) ? columns / lanes<T> : columns;
  expects(rows * vectors < std::size_t{1} << 32, rows, " rows of ", columns,
          " channels are more than a GPU kernel counts: use a smaller batch");
  parallel_for_vec<T>(context, rows * columns, columns, pointers, make(vector_position{divisor{vectors}}));
}

}  // namespace pretext::inline v0_1::grid
