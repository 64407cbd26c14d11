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

namespace pretext {

/// Bytes of one number of a safetensors dtype, 0 for a dtype that we do not know.
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

/// The dtype that keeps a T as it is.
template <class T>
  requires(std::floating_point<T> || (std::integral<T> && !std::same_as<T, bool>))
&&(sizeof(T) <= 8) constexpr std::string_view dtype_of() {
  constexpr std::array<std::string_view, 4> whole{"I8", "I16", "I32", "I64"},
      natural{"U8", "U16", "U32", "U64"};
  constexpr auto log_size = static_cast<std::size_t>(std::countr_zero(sizeof(T)));
  if constexpr (std::floating_point<T>)
    return sizeof(T) == 8 ? "F64" : "F32";
  else if constexpr (std::is_signed_v<T>)
    return whole[log_size];
  else
    return natural[log_size];
}

/// The number that the bits of a bfloat16 stand for.
constexpr float from_bfloat16(std::uint16_t bits) {
  return static_cast<float>(std::bit_cast<bfloat16>(bits));
}

/// The number that an IEEE 754 half stands for.
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

/// A stored number as T; throws where an integer T cannot hold it.
template <class T, class Stored>
T convert_number(Stored value) {
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
    throw_error("the number ", value, " cannot be an integer of ", sizeof(T), " bytes");
}

template <class Stored, class T, class Read>
void convert_each(std::span<const std::byte> bytes, T* to, Read read) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(Stored)) {
    Stored value;
    std::memcpy(&value, bytes.data() + at, sizeof(Stored));
    *to++ = convert_number<T>(read(value));
  }
}

/// Every number of `bytes` as T; throws std::invalid_argument for dtypes that have no such reading.
template <class T>
void convert_numbers(std::string_view dtype, std::span<const std::byte> bytes, T* to) {
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
    throw_error("numbers of dtype ", dtype, " cannot be converted; save the tensor as F32");
}

}  // namespace detail

}  // namespace pretext
