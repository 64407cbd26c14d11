#pragma once
#include <cstdint>
#include <string_view>

#include "block.hpp"

// Builds warp-wide actions from functions of single lanes.
namespace pretext::tests::ptx {

/// to[0] = work(from[0], from[1], …), with all operands of type `From`.
template <class From, auto work>
void lanewise(warp& w, const instruction& i) {
  row& to = w[i.to[0]];
  if constexpr (requires(From a) { work(a); }) {
    const row& a = w[i.from[0]];
    w.for_each_lane([&](unsigned lane) { to[lane] = bits_of(work(get<From>(a[lane]))); });
  } else if constexpr (requires(From a) { work(a, a); }) {
    const row &a = w[i.from[0]], &b = w[i.from[1]];
    w.for_each_lane([&](unsigned lane) { to[lane] = bits_of(work(get<From>(a[lane]), get<From>(b[lane]))); });
  } else if constexpr (requires(From a) { work(a, a, a, a); }) {
    const row &a = w[i.from[0]], &b = w[i.from[1]], &c = w[i.from[2]], &d = w[i.from[3]];
    w.for_each_lane([&](unsigned lane) {
      to[lane] =
          bits_of(work(get<From>(a[lane]), get<From>(b[lane]), get<From>(c[lane]), get<From>(d[lane])));
    });
  } else {
    const row &a = w[i.from[0]], &b = w[i.from[1]], &c = w[i.from[2]];
    w.for_each_lane([&](unsigned lane) {
      to[lane] = bits_of(work(get<From>(a[lane]), get<From>(b[lane]), get<From>(c[lane])));
    });
  }
}

/// Calls f.template operator()<T>() with the type of that name; returns null for types outside of the
/// category.
template <class F>
action for_integer_type(std::string_view type, const F& f) {
  if (type == "u16") return f.template operator()<std::uint16_t>();
  if (type == "s16") return f.template operator()<std::int16_t>();
  if (type == "u32") return f.template operator()<std::uint32_t>();
  if (type == "s32") return f.template operator()<std::int32_t>();
  if (type == "u64") return f.template operator()<std::uint64_t>();
  if (type == "s64") return f.template operator()<std::int64_t>();
  return nullptr;
}
template <class F>
action for_bits_type(std::string_view type, const F& f) {
  if (type == "pred") return f.template operator()<bool>();
  if (type == "b16") return f.template operator()<std::uint16_t>();
  if (type == "b32") return f.template operator()<std::uint32_t>();
  if (type == "b64") return f.template operator()<std::uint64_t>();
  return nullptr;
}
template <class F>
action for_float_type(std::string_view type, const F& f) {
  if (type == "f32") return f.template operator()<float>();
  if (type == "f64") return f.template operator()<double>();
  return nullptr;
}

/// The lanewise action `work` for operands of the named type.
template <auto work>
action on_integers(std::string_view type) {
  return for_integer_type(type, []<class T>() -> action { return lanewise<T, work>; });
}
template <auto work>
action on_bits(std::string_view type) {
  return for_bits_type(type, []<class T>() -> action { return lanewise<T, work>; });
}
template <auto work>
action on_floats(std::string_view type) {
  return for_float_type(type, []<class T>() -> action { return lanewise<T, work>; });
}

}  // namespace pretext::tests::ptx
