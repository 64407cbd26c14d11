// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/losses/detail/loss_operations.hpp>

namespace pretext::inline v0_1::detail {

/// Copies rows to memory of another type.
template <class From, class To>
struct copy_row {
  std::size_t columns;
  const From* from;
  To* to;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const From* const source = from + row * columns;
    To* const copy = to + row * columns;
    team.each(columns, [&](std::size_t c) { copy[c] = static_cast<To>(source[c]); });
  }
};

/// Rows in the type of the operands of products: themselves, or a copy in temporary memory.
template <class Context>
const typename Context::activation* operands_of(const loss_operations<Context>& at, std::size_t rows,
                                                std::size_t columns, const typename Context::weight* values) {
  using T = typename Context::activation;
  using W = typename Context::weight;
  if constexpr (std::same_as<T, W>) {
    return values;
  } else {
    T* const rounded = at.activations(rows * columns);
    at.for_each_row(rows, copy_row<W, T>{columns, values, rounded});
    return rounded;
  }
}

}  // namespace pretext::inline v0_1::detail
