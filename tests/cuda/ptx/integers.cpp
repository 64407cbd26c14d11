#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include "actions.hpp"
#include "lanewise.hpp"
#include "wrapping.hpp"

namespace pretext::tests::ptx {
namespace {

constexpr auto divide = []<class T>(T a, T b) { return static_cast<T>(b == 0 ? T(-1) : a / b); };
constexpr auto remainder = []<class T>(T a, T b) { return static_cast<T>(b == 0 ? a : T(a % b)); };

/// d = a·b or a·b + c in twice as many bits.
template <class T>
void wide_product(warp& w, const instruction& i) {
  if constexpr (sizeof(T) < 8) {
    row& to = w[i.to[0]];
    const row &a = w[i.from[0]], &b = w[i.from[1]];
    w.for_each_lane([&](unsigned lane) {
      const auto more = i.from.size() > 2 ? get<typename widened<T>::type>(w[i.from[2]][lane]) : 0;
      to[lane] = bits_of(
          sum(product(get<T>(a[lane]), get<T>(b[lane])), static_cast<typename widened<T>::type>(more)));
    });
  }
}

/// The shift distance is unsigned and may exceed the number of bits.
template <class T, bool left>
void shift(warp& w, const instruction& i) {
  row& to = w[i.to[0]];
  const row &a = w[i.from[0]], &by = w[i.from[1]];
  w.for_each_lane([&](unsigned lane) {
    constexpr unsigned bits = sizeof(T) * 8;
    const unsigned distance = std::min(get<std::uint32_t>(by[lane]), bits);
    const T value = get<T>(a[lane]);
    if constexpr (left)
      to[lane] = distance == bits ? 0 : bits_of(static_cast<T>(wrap(value) << distance));
    else if (distance == bits)
      to[lane] = bits_of(static_cast<T>(value < 0 ? -1 : 0));
    else
      to[lane] = bits_of(static_cast<T>(value >> distance));
  });
}

/// Four bytes of a (0 to 3) and b (4 to 7), chosen by the lowest four digits of `selectors`; a digit from 8
/// on stands for the sign of its byte.
constexpr auto permute_bytes = [](std::uint32_t a, std::uint32_t b, std::uint32_t selectors) {
  const std::uint64_t bytes = std::uint64_t{b} << 32 | a;
  std::uint32_t chosen = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const std::uint32_t selector = selectors >> (4 * i) & 15;
    std::uint32_t byte = static_cast<std::uint32_t>(bytes >> (8 * (selector & 7)) & 0xFF);
    if (selector & 8) byte = byte & 0x80 ? 0xFF : 0;
    chosen |= byte << (8 * i);
  }
  return chosen;
};

/// b with `length` of its bits, from `first` on, replaced by the lowest ones of a.
constexpr auto insert_bits = [](std::uint32_t a, std::uint32_t b, std::uint32_t first, std::uint32_t length) {
  first &= 0xFF;
  length = std::min(length & 0xFF, 32u);
  const std::uint64_t ones = (std::uint64_t{1} << length) - 1;
  const std::uint64_t mask = first < 32 ? ones << first : 0,
                      bits = first < 32 ? std::uint64_t{a} << first : 0;
  return static_cast<std::uint32_t>((b & ~mask) | (bits & mask));
};

constexpr auto negative = []<class T>(T a) { return static_cast<T>(wrapping<T>{0} - wrap(a)); };

action arithmetic_action(const name_parts& parts) {
  const std::string_view name = parts[0], type = parts.back();
  const std::string_view part = parts.size() > 2 ? parts[1] : "";
  if (name == "add") return on_integers<[]<class T>(T a, T b) { return sum(a, b); }>(type);
  if (name == "sub")
    return on_integers<[]<class T>(T a, T b) { return static_cast<T>(wrap(a) - wrap(b)); }>(type);
  if (name == "div") return on_integers<divide>(type);
  if (name == "rem") return on_integers<remainder>(type);
  if (name == "min") return on_integers<[]<class T>(T a, T b) { return std::min(a, b); }>(type);
  if (name == "max") return on_integers<[]<class T>(T a, T b) { return std::max(a, b); }>(type);
  if (name == "neg") return on_integers<negative>(type);
  if (name == "abs") return on_integers<[]<class T>(T a) { return a < 0 ? negative(a) : a; }>(type);
  if (part == "wide" && (name == "mul" || name == "mad"))
    return for_integer_type(type, []<class T>() -> action { return wide_product<T>; });
  if (name == "mul" && part == "lo") return on_integers<[]<class T>(T a, T b) { return low(a, b); }>(type);
  if (name == "mul" && part == "hi") return on_integers<[]<class T>(T a, T b) { return high(a, b); }>(type);
  if (name == "mad" && part == "lo")
    return on_integers<[]<class T>(T a, T b, T c) { return sum(low(a, b), c); }>(type);
  if (name == "mad" && part == "hi")
    return on_integers<[]<class T>(T a, T b, T c) { return sum(high(a, b), c); }>(type);
  return nullptr;
}

action bits(const name_parts& parts) {
  const std::string_view name = parts[0], type = parts.back();
  if (name == "and") return on_bits<[]<class T>(T a, T b) { return static_cast<T>(a & b); }>(type);
  if (name == "or") return on_bits<[]<class T>(T a, T b) { return static_cast<T>(a | b); }>(type);
  if (name == "xor") return on_bits<[]<class T>(T a, T b) { return static_cast<T>(a ^ b); }>(type);
  if (name == "not")
    return on_bits<[]<class T>(T a) { return static_cast<T>(std::same_as<T, bool> ? T(!a) : T(~wrap(a))); }>(
        type);
  if (name == "shl" || name == "shr") {
    const auto for_type = [&]<class T>() -> action {
      return name == "shl" ? shift<T, true> : shift<T, false>;
    };
    if (type == "b16") return for_type.operator()<std::uint16_t>();
    if (type == "b32") return for_type.operator()<std::uint32_t>();
    if (type == "b64") return for_type.operator()<std::uint64_t>();
    return for_integer_type(type, for_type);
  }
  if (name == "prmt" && parts.size() == 2 && type == "b32") return lanewise<std::uint32_t, permute_bytes>;
  if (name == "bfi" && type == "b32") return lanewise<std::uint32_t, insert_bits>;
  if (name == "clz" || name == "popc") {
    const auto leading = []<class T>(T a) { return static_cast<std::uint32_t>(std::countl_zero(a)); };
    const auto ones = []<class T>(T a) { return static_cast<std::uint32_t>(std::popcount(a)); };
    const bool counts_zeros = name == "clz";
    if (type == "b32") return counts_zeros ? lanewise<std::uint32_t, leading> : lanewise<std::uint32_t, ones>;
    if (type == "b64") return counts_zeros ? lanewise<std::uint64_t, leading> : lanewise<std::uint64_t, ones>;
  }
  return nullptr;
}

}  // namespace

action integers(const name_parts& parts) {
  if (const action found = bits(parts)) return found;
  return arithmetic_action(parts);
}

}  // namespace pretext::tests::ptx
