// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstdint>

#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1 {

/// The upper half of a float: its sign, its exponent and 7 bits of mantissa. A storage type without
/// arithmetic.
struct bfloat16 {
  std::uint16_t bits = 0;

  constexpr bfloat16() = default;
  /// Rounds to nearest, ties to even; NaN stays NaN.
  PRETEXT_HOST_DEVICE constexpr explicit bfloat16(float x) {
#ifdef __CUDA_ARCH__  // one instruction instead of seven, which bound elementwise kernels
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
#else
    const auto float_bits = __builtin_bit_cast(std::uint32_t, x);
    const bool not_nan = (float_bits & 0x7fffffffu) <= 0x7f800000u;
    const std::uint32_t nearest =
        not_nan ? float_bits + 0x7fffu + (float_bits >> 16 & 1u) : float_bits | 0x400000u;
    bits = static_cast<std::uint16_t>(nearest >> 16);
#endif
  }
  PRETEXT_HOST_DEVICE constexpr explicit bfloat16(double x) : bfloat16{static_cast<float>(x)} {}

  template <std::floating_point Float>
  PRETEXT_HOST_DEVICE constexpr explicit operator Float() const {
    return __builtin_bit_cast(float, static_cast<std::uint32_t>(bits) << 16);
  }
};

namespace detail {
template <class T>
struct arithmetic_of {
  using type = T;
};
template <>
struct arithmetic_of<bfloat16> {
  using type = float;
};
}  // namespace detail

/// The type of arithmetic on values that are stored as T.
template <class T>
using arithmetic = typename detail::arithmetic_of<T>::type;

}  // namespace pretext::inline v0_1
