#pragma once
#include <bit>
#include <cstdint>

namespace pretext {

/// The upper half of a float: all of its exponent and eight binary digits.
struct bfloat16 {
  std::uint16_t bits = 0;

  constexpr bfloat16() = default;
  /// The nearest, of two the even one; what is no number stays none.
  constexpr explicit bfloat16(float x) {
    const auto of_x = std::bit_cast<std::uint32_t>(x);
    const bool number = (of_x & 0x7fffffffu) <= 0x7f800000u;
    const std::uint32_t nearest = number ? of_x + 0x7fffu + (of_x >> 16 & 1u) : of_x | 0x400000u;
    bits = static_cast<std::uint16_t>(nearest >> 16);
  }
  constexpr explicit operator float() const {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
};

}  // namespace pretext
