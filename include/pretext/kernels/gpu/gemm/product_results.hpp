// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <type_traits>

#include <pretext/core/bfloat16.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>

// Destinations of products' results (tiled_product.hpp, tensor_product.hpp).
namespace pretext::inline v0_1::grid {

/// A row-major result with n contiguous columns. Every result type provides the address of an entry, of the
/// i-th entry in row-major order, and `vectorizable()`: whether rows are 16-byte aligned.
template <class C>
struct rows_in_order {
  C* c;
  std::size_t n;
  PRETEXT_HOST_DEVICE C* operator()(std::size_t row, std::size_t column) const {
    return c + row * n + column;
  }
  PRETEXT_HOST_DEVICE C* at(std::size_t i) const { return c + i; }
  bool vectorizable() const { return is_vectorizable<C>(n, {c}); }
};

/// Stores or accumulates into the result when the depth is not split.
template <class Result>
struct store_result {
  Result result;
  bool accumulate;
  template <class R>
  PRETEXT_HOST_DEVICE void operator()(std::size_t, std::size_t row, std::size_t column, R value) const {
    auto& to = *result(row, column);
    using C = std::remove_reference_t<decltype(to)>;
    to = static_cast<C>(accumulate ? static_cast<R>(to) + value : value);
  }
};

/// Stores one split's sums; reduce_splits adds them.
template <class T>
struct store_split {
  T* splits;
  std::size_t m, n;
  PRETEXT_HOST_DEVICE void operator()(std::size_t split, std::size_t row, std::size_t column, T value) const {
    splits[(split * m + row) * n + column] = value;
  }
};

/// Adds the splits of a product in their order.
template <class R, class Result>
struct reduce_splits {
  const R* splits;
  std::size_t count, size;
  bool accumulate;
  Result result;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    auto& to = *result.at(i);
    using C = std::remove_reference_t<decltype(to)>;
    R sum = accumulate ? static_cast<R>(to) : R{0};
    for (std::size_t split = 0; split < count; ++split) sum += splits[split * size + i];
    to = static_cast<C>(sum);
  }
};

}  // namespace pretext::inline v0_1::grid
