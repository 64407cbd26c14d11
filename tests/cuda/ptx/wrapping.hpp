#pragma once
#include <cstdint>
#include <type_traits>

// A GPU's integer arithmetic: it wraps around, signed or unsigned.
namespace pretext::tests::ptx {

/// Types shorter than int must not be promoted to a signed int, whose overflow is undefined.
template <class T>
using wrapping = std::conditional_t<(sizeof(T) > 4), std::uint64_t, std::uint32_t>;
template <class T>
constexpr wrapping<T> wrap(T value) {
  return static_cast<wrapping<T>>(value);
}

template <class T>
struct widened;
template <>
struct widened<std::uint16_t> : std::type_identity<std::uint32_t> {};
template <>
struct widened<std::int16_t> : std::type_identity<std::int32_t> {};
template <>
struct widened<std::uint32_t> : std::type_identity<std::uint64_t> {};
template <>
struct widened<std::int32_t> : std::type_identity<std::int64_t> {};
template <>
struct widened<std::uint64_t> : std::type_identity<unsigned __int128> {};
template <>
struct widened<std::int64_t> : std::type_identity<__int128> {};

template <class T>
constexpr typename widened<T>::type product(T a, T b) {
  using wide = typename widened<T>::type;
  return static_cast<wide>(static_cast<wide>(a) * static_cast<wide>(b));
}
template <class T>
constexpr T high(T a, T b) {
  return static_cast<T>(product(a, b) >> (sizeof(T) * 8));
}
template <class T>
constexpr T low(T a, T b) {
  return static_cast<T>(wrap(a) * wrap(b));
}
template <class T>
constexpr T sum(T a, T b) {
  return static_cast<T>(wrap(a) + wrap(b));
}

}  // namespace pretext::tests::ptx
