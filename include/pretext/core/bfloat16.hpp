#pragma once
#include <concepts>
#include <cstdint>

#include <pretext/core/host_device.hpp>

namespace pretext {

/// The upper half of a float: all of its exponent and eight binary digits. It is stored, never calculated
/// with.
struct bfloat16 {
  std::uint16_t bits = 0;

  constexpr bfloat16() = default;
  /// The nearest, of two the even one; what is no number stays none.
  PRETEXT_HOST_DEVICE constexpr explicit bfloat16(float x) {
#ifdef __CUDA_ARCH__  // one instruction instead of seven: elementwise kernels wait for it
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
#else
    const auto of_x = __builtin_bit_cast(std::uint32_t, x);
    const bool number = (of_x & 0x7fffffffu) <= 0x7f800000u;
    const std::uint32_t nearest = number ? of_x + 0x7fffu + (of_x >> 16 & 1u) : of_x | 0x400000u;
    bits = static_cast<std::uint16_t>(nearest >> 16);
#endif
  }
  PRETEXT_HOST_DEVICE constexpr explicit bfloat16(double x) : bfloat16{static_cast<float>(x)} {}

  template <std::floating_point Number>
  PRETEXT_HOST_DEVICE constexpr explicit operator Number() const {
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

/// What numbers stored as T are calculated in.
template <class T>
using arithmetic = typename detail::arithmetic_of<T>::type;

}  // namespace pretext
