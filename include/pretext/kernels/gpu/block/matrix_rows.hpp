// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/bfloat16.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>

namespace pretext::inline v0_1::grid {

/// A read-only view of rows of a matrix that yields zeros outside of its bounds, so that tiles may overlap
/// the edges.
template <class T>
struct rows_of {
  const T* data;
  std::size_t step, count, columns;

  PRETEXT_HOST_DEVICE bool has(std::size_t r, std::size_t c) const { return r < count && c < columns; }
  PRETEXT_HOST_DEVICE const T* where(std::size_t r, std::size_t c) const { return data + r * step + c; }
  PRETEXT_HOST_DEVICE arithmetic<T> operator()(std::size_t r, std::size_t c) const {
    using R = arithmetic<T>;
    return has(r, c) ? static_cast<R>(*where(r, c)) : R{0};
  }
  PRETEXT_HOST_DEVICE rows_of from(std::size_t first) const {
    return {data + first * step, step, count > first ? count - first : 0, columns};
  }
};

/// The output counterpart of rows_of: writes outside of the bounds are dropped.
template <class T>
struct rows_to {
  using R = arithmetic<T>;
  T* data;
  std::size_t step, count, columns;

  PRETEXT_HOST_DEVICE rows_to from(std::size_t first) const {
    return {data + first * step, step, count > first ? count - first : 0, columns};
  }
  PRETEXT_HOST_DEVICE void operator()(std::size_t r, std::size_t c, R value) const {
    if (r < count && c < columns) data[r * step + c] = static_cast<T>(value);
  }
  /// Stores 8 consecutive values; columns must be a multiple of 8 and rows 16-byte aligned.
  PRETEXT_HOST_DEVICE void store8(std::size_t r, std::size_t c, const vec<R, 8>& values) const {
    if (r < count && c < columns) store<8>(data + r * step + c, values);
  }
};

}  // namespace pretext::inline v0_1::grid
