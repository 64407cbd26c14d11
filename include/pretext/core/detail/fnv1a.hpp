// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::detail {

/// The 64-bit hash FNV-1a of bytes that are added one after another.
class fnv1a {
 public:
  explicit constexpr fnv1a(std::uint64_t start = 0xcbf29ce484222325) : value_{start} {}

  constexpr void add(unsigned char byte) { value_ = (value_ ^ byte) * 0x100000001b3; }
  constexpr void add(std::string_view text) {
    for (const char c : text) add(static_cast<unsigned char>(c));
  }

  constexpr std::uint64_t value() const { return value_; }
  /// 16 hexadecimal digits.
  std::string text() const {
    std::string digits(16, '0');
    std::uint64_t left = value_;
    for (std::size_t i = digits.size(); i-- > 0; left >>= 4) digits[i] = "0123456789abcdef"[left & 15];
    return digits;
  }

 private:
  std::uint64_t value_;
};

}  // namespace pretext::inline v0_1::detail
