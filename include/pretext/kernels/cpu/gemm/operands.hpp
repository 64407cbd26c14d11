#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <pretext/core/bfloat16.hpp>

namespace pretext::kernels {

/// Two numbers that follow each other along the depth of a product, the first in the lower half.
struct bfloat16_pair {
  std::uint32_t bits;
};

/// What kernels multiply in place of numbers T: T, or pairs of what the place's policy rounds them to.
template <class Context, class T>
using operand_of = std::conditional_t<std::is_same_v<T, float> &&
                                          std::is_same_v<typename Context::numerics::compute, bfloat16>,
                                      bfloat16_pair, T>;

/// What the products of factors are added up in.
template <class Operand>
using sum_of = std::conditional_t<std::is_same_v<Operand, bfloat16_pair>, float, Operand>;

/// Factors that `depth` numbers make; an odd one has a zero beside it.
template <class Operand>
constexpr std::size_t operands(std::size_t depth) {
  return std::is_same_v<Operand, bfloat16_pair> ? (depth + 1) / 2 : depth;
}

}  // namespace pretext::kernels
