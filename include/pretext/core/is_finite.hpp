// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1::detail {

// With -ffast-math, compilers take std::isfinite to be true and std::isnan to be false, and clang 19 warns of
// std::numeric_limits::infinity; these use the bits.

template <class T>
inline constexpr T infinity = __builtin_bit_cast(T, std::uint64_t{0x7FF0000000000000u});
template <>
inline constexpr float infinity<float> = __builtin_bit_cast(float, std::uint32_t{0x7F800000u});

/// Is the value neither NaN nor infinite?
PRETEXT_HOST_DEVICE constexpr bool is_finite(double value) {
  constexpr std::uint64_t exponent = 0x7FF0000000000000u;
  return (__builtin_bit_cast(std::uint64_t, value) & exponent) != exponent;
}
PRETEXT_HOST_DEVICE constexpr bool is_finite(float value) {
  constexpr std::uint32_t exponent = 0x7F800000u;
  return (__builtin_bit_cast(std::uint32_t, value) & exponent) != exponent;
}

/// Is the value not a number?
PRETEXT_HOST_DEVICE constexpr bool is_nan(double value) {
  constexpr std::uint64_t infinity = 0x7FF0000000000000u, magnitude = ~(std::uint64_t{1} << 63);
  return (__builtin_bit_cast(std::uint64_t, value) & magnitude) > infinity;
}
PRETEXT_HOST_DEVICE constexpr bool is_nan(float value) {
  constexpr std::uint32_t infinity = 0x7F800000u, magnitude = ~(std::uint32_t{1} << 31);
  return (__builtin_bit_cast(std::uint32_t, value) & magnitude) > infinity;
}

}  // namespace pretext::inline v0_1::detail
