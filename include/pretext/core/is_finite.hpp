// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::detail {

/// Is the value neither NaN nor infinite? It tests the bits of the exponent: with -ffast-math, compilers take
/// std::isfinite to be true.
constexpr bool is_finite(double value) {
  constexpr std::uint64_t exponent = 0x7FF0000000000000u;
  return (__builtin_bit_cast(std::uint64_t, value) & exponent) != exponent;
}
constexpr bool is_finite(float value) {
  constexpr std::uint32_t exponent = 0x7F800000u;
  return (__builtin_bit_cast(std::uint32_t, value) & exponent) != exponent;
}

}  // namespace pretext::inline v0_1::detail
