#pragma once
#include <cstddef>
#include <type_traits>

#include <pretext/core/bfloat16.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>

// Where products (tiled_product.hpp, tensor_product.hpp) leave their results.
namespace pretext::grid {

/// A result whose rows of n numbers lie one after another. Others say likewise where an entry lies, where the
/// number i of all does, and whether rows begin `by_lanes`.
template <class C>
struct rows_in_order {
  C* c;
  std::size_t n;
  PRETEXT_HOST_DEVICE C* operator()(std::size_t row, std::size_t column) const {
    return c + row * n + column;
  }
  PRETEXT_HOST_DEVICE C* at(std::size_t i) const { return c + i; }
  bool by_lanes() const { return is_vectorizable<C>(n, {c}); }
};

/// Where a product in one part goes.
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

/// Where the parts of a product wait to be added.
template <class T>
struct store_part {
  T* parts;
  std::size_t m, n;
  PRETEXT_HOST_DEVICE void operator()(std::size_t part, std::size_t row, std::size_t column, T value) const {
    parts[(part * m + row) * n + column] = value;
  }
};

template <class R, class Result>
struct add_parts {
  const R* parts;
  std::size_t count, size;
  bool accumulate;
  Result result;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    auto& to = *result.at(i);
    using C = std::remove_reference_t<decltype(to)>;
    R sum = accumulate ? static_cast<R>(to) : R{0};
    for (std::size_t part = 0; part < count; ++part) sum += parts[part * size + i];
    to = static_cast<C>(sum);
  }
};

}  // namespace pretext::grid
