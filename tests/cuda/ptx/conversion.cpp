#include <bit>
#include <cmath>
#include <concepts>
#include <limits>
#include <type_traits>

#include "actions.hpp"
#include "lanewise.hpp"

namespace pretext::tests::ptx {
namespace {

enum class rounding { none, nearest, zero, down, up };

template <rounding how, std::floating_point T>
T rounded_value(T value) {
  if constexpr (how == rounding::nearest) return std::nearbyint(value);
  if constexpr (how == rounding::zero) return std::trunc(value);
  if constexpr (how == rounding::down) return std::floor(value);
  if constexpr (how == rounding::up) return std::ceil(value);
  return value;
}

/// Values beyond the integer type's range saturate, and NaN becomes 0, as on a GPU.
template <class To, std::floating_point From>
To nearest_integer(From value) {
  using limits = std::numeric_limits<To>;
  if (std::isnan(value)) return 0;
  if (value <= static_cast<From>(limits::min())) return limits::min();
  if (value >= static_cast<From>(limits::max())) return limits::max();
  return static_cast<To>(value);
}

template <class To, class From, rounding how, bool saturated>
void convert(warp& w, const instruction& i) {
  row& to = w[i.to[0]];
  const row& from = w[i.from[0]];
  w.for_each_lane([&](unsigned lane) {
    const From value = get<From>(from[lane]);
    if constexpr (std::floating_point<From> && std::integral<To>) {
      to[lane] = bits_of(nearest_integer<To>(rounded_value<how>(value)));
    } else if constexpr (std::floating_point<From>) {
      const auto result = static_cast<To>(rounded_value<how>(value));
      to[lane] = bits_of(saturated ? (result > 0 ? std::fmin(result, To{1}) : To{0}) : result);
    } else {
      to[lane] = bits_of(static_cast<To>(value));
    }
  });
}

/// Rounds to nearest even.
std::uint32_t bfloat16_bits(std::uint64_t value) {
  const auto bits = static_cast<std::uint32_t>(value);
  const bool is_number = !std::isnan(get<float>(bits));
  return is_number ? (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 : 0x7FFF;
}
void round_to_bfloat16(warp& w, const instruction& i) {
  row& to = w[i.to[0]];
  const row& from = w[i.from[0]];
  w.for_each_lane([&](unsigned lane) { to[lane] = bfloat16_bits(from[lane]); });
}
/// The first of two goes to the upper half.
void round_pair_to_bfloat16(warp& w, const instruction& i) {
  row& to = w[i.to[0]];
  const row &upper = w[i.from[0]], &lower = w[i.from[1]];
  w.for_each_lane(
      [&](unsigned lane) { to[lane] = bfloat16_bits(upper[lane]) << 16 | bfloat16_bits(lower[lane]); });
}

template <class F>
action for_any_type(std::string_view type, const F& f) {
  if (type == "u8") return f.template operator()<std::uint8_t>();
  if (type == "s8") return f.template operator()<std::int8_t>();
  if (const action found = for_integer_type(type, f)) return found;
  return for_float_type(type, f);
}

}  // namespace

action conversion(const name_parts& parts) {
  if (parts.size() < 3 || parts[0] != "cvt") return nullptr;
  const std::string_view from = parts.back(), to = parts[parts.size() - 2];
  auto how = rounding::none;
  bool saturated = false;
  for (std::size_t i = 1; i + 2 < parts.size(); ++i) {
    if (parts[i] == "sat" && to.starts_with('f'))
      saturated = true;
    else if (parts[i] == "rni")
      how = rounding::nearest;
    else if (parts[i] == "rzi")
      how = rounding::zero;
    else if (parts[i] == "rmi")
      how = rounding::down;
    else if (parts[i] == "rpi")
      how = rounding::up;
    else if (parts[i] != "rn")
      return nullptr;
  }
  if (to == "bf16" && from == "f32" && parts.size() == 4 && parts[1] == "rn") return round_to_bfloat16;
  if (to == "bf16x2" && from == "f32" && parts.size() == 4 && parts[1] == "rn") return round_pair_to_bfloat16;
  return for_any_type(to, [&]<class To>() {
    return for_any_type(from, [&]<class From>() -> action {
      if constexpr (std::floating_point<From>) {
        if (saturated) return how == rounding::none ? convert<To, From, rounding::none, true> : nullptr;
        if (how == rounding::nearest) return convert<To, From, rounding::nearest, false>;
        if (how == rounding::zero) return convert<To, From, rounding::zero, false>;
        if (how == rounding::down) return convert<To, From, rounding::down, false>;
        if (how == rounding::up) return convert<To, From, rounding::up, false>;
      }
      return convert<To, From, rounding::none, false>;
    });
  });
}

}  // namespace pretext::tests::ptx
