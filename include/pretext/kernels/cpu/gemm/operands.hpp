// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <pretext/core/bfloat16.hpp>

namespace pretext::inline v0_1::kernels {

/// Two bfloat16 values that are adjacent along the depth of a product, the first in the lower half.
struct bfloat16_pair {
  std::uint32_t bits;
};

/// The type that products of T multiply: T, or bfloat16 pairs where the context's numerics round float
/// operands.
template <class Context, class T>
using operand_of = std::conditional_t<std::is_same_v<T, float> &&
                                          std::is_same_v<typename Context::numerics::compute, bfloat16>,
                                      bfloat16_pair, T>;

/// The type that products of operands are accumulated in.
template <class Operand>
using sum_of = std::conditional_t<std::is_same_v<Operand, bfloat16_pair>, float, Operand>;

/// Operands that `depth` elements are stored as: in pairs, an odd last element is paired with zero.
template <class Operand>
constexpr std::size_t operands(std::size_t depth) {
  return std::is_same_v<Operand, bfloat16_pair> ? (depth + 1) / 2 : depth;
}

}  // namespace pretext::inline v0_1::kernels
