// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include <pretext/core/bfloat16.hpp>
#include <pretext/core/expects.hpp>

namespace pretext::inline v0_1 {

/// The bytes of one element of a safetensors dtype; 0 if the dtype is unknown.
constexpr std::size_t dtype_size(std::string_view dtype) {
  constexpr std::array<std::pair<std::string_view, std::size_t>, 15> known{{{"F64", 8},
                                                                            {"F32", 4},
                                                                            {"F16", 2},
                                                                            {"BF16", 2},
                                                                            {"I64", 8},
                                                                            {"I32", 4},
                                                                            {"I16", 2},
                                                                            {"I8", 1},
                                                                            {"U64", 8},
                                                                            {"U32", 4},
                                                                            {"U16", 2},
                                                                            {"U8", 1},
                                                                            {"BOOL", 1},
                                                                            {"F8_E4M3", 1},
                                                                            {"F8_E5M2", 1}}};
  for (const auto& [name, size] : known)
    if (name == dtype) return size;
  return 0;
}

/// The dtype of T.
template <class T>
  requires(std::floating_point<T> || (std::integral<T> && !std::same_as<T, bool>))
&&(sizeof(T) <= 8) constexpr std::string_view dtype_of() {
  constexpr std::array<std::string_view, 4> signed_types{"I8", "I16", "I32", "I64"},
      unsigned_types{"U8", "U16", "U32", "U64"};
  constexpr auto log_size = static_cast<std::size_t>(std::countr_zero(sizeof(T)));
  if constexpr (std::floating_point<T>)
    return sizeof(T) == 8 ? "F64" : "F32";
  else if constexpr (std::is_signed_v<T>)
    return signed_types[log_size];
  else
    return unsigned_types[log_size];
}

/// The value of a bfloat16, from its bits.
constexpr float from_bfloat16(std::uint16_t bits) {
  return static_cast<float>(std::bit_cast<bfloat16>(bits));
}

/// The value of an IEEE 754 half, from its bits.
constexpr float from_half(std::uint16_t bits) {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16, fraction = bits & 0x3FFu;
  const std::uint32_t exponent = (bits >> 10) & 0x1Fu;
  if (exponent == 0) {  // subnormal: fraction · 2^-24
    const float size = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -size : size;
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

namespace detail {

/// A stored value as T; throws std::invalid_argument if an integer T cannot represent it.
template <class T, class Stored>
T convert_value(Stored value) {
  if constexpr (std::floating_point<T>) {
    return static_cast<T>(value);
  } else if constexpr (std::integral<Stored>) {
    if (std::in_range<T>(value)) return static_cast<T>(value);
  } else {
    const auto wide = static_cast<double>(value);
    // Both bounds are exact in a double: the upper one is a power of two.
    if (wide >= static_cast<double>(std::numeric_limits<T>::min()) &&
        wide < std::ldexp(1.0, std::numeric_limits<T>::digits) && wide == std::trunc(wide))
      return static_cast<T>(wide);
  }
  if constexpr (!std::floating_point<T>)
    throw_error("the value ", value, " cannot be an integer of ", sizeof(T), " bytes");
}

template <class Stored, class T, class Read>
void convert_each(std::span<const std::byte> bytes, T* to, Read read) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(Stored)) {
    Stored value;
    std::memcpy(&value, bytes.data() + at, sizeof(Stored));
    *to++ = convert_value<T>(read(value));
  }
}

/// All elements in `bytes` as T; throws std::invalid_argument for a dtype that cannot be converted.
template <class T>
void convert_elements(std::string_view dtype, std::span<const std::byte> bytes, T* to) {
  const auto same = [](auto value) { return value; };
  if (dtype == "F64")
    convert_each<double>(bytes, to, same);
  else if (dtype == "F32")
    convert_each<float>(bytes, to, same);
  else if (dtype == "F16")
    convert_each<std::uint16_t>(bytes, to, from_half);
  else if (dtype == "BF16")
    convert_each<std::uint16_t>(bytes, to, from_bfloat16);
  else if (dtype == "I64")
    convert_each<std::int64_t>(bytes, to, same);
  else if (dtype == "I32")
    convert_each<std::int32_t>(bytes, to, same);
  else if (dtype == "I16")
    convert_each<std::int16_t>(bytes, to, same);
  else if (dtype == "I8")
    convert_each<std::int8_t>(bytes, to, same);
  else if (dtype == "U64")
    convert_each<std::uint64_t>(bytes, to, same);
  else if (dtype == "U32")
    convert_each<std::uint32_t>(bytes, to, same);
  else if (dtype == "U16")
    convert_each<std::uint16_t>(bytes, to, same);
  else if (dtype == "U8" || dtype == "BOOL")
    convert_each<std::uint8_t>(bytes, to, same);
  else
    throw_error("elements of dtype ", dtype, " cannot be converted; save the tensor as F32");
}

}  // namespace detail

}  // namespace pretext::inline v0_1
