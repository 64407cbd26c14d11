#pragma once
#include <cstdint>
#include <string_view>

#include "block.hpp"

// How an instruction that treats each lane alike is made of what it does to one.
namespace pretext::tests::ptx {

/// to[0] = work(from[0], from[1], …), all of type `From`.
template <class From, auto work>
void each_lane_alone(warp& w, const instruction& i) {
  row& to = w[i.to[0]];
  if constexpr (requires(From a) { work(a); }) {
    const row& a = w[i.from[0]];
    w.each_lane([&](unsigned lane) { to[lane] = bits_of(work(get<From>(a[lane]))); });
  } else if constexpr (requires(From a) { work(a, a); }) {
    const row &a = w[i.from[0]], &b = w[i.from[1]];
    w.each_lane([&](unsigned lane) { to[lane] = bits_of(work(get<From>(a[lane]), get<From>(b[lane]))); });
  } else {
    const row &a = w[i.from[0]], &b = w[i.from[1]], &c = w[i.from[2]];
    w.each_lane([&](unsigned lane) {
      to[lane] = bits_of(work(get<From>(a[lane]), get<From>(b[lane]), get<From>(c[lane])));
    });
  }
}

/// f.template operator()<T>() for the type of a name; null for others than it may be.
template <class F>
action of_integer(std::string_view type, const F& f) {
  if (type == "u16") return f.template operator()<std::uint16_t>();
  if (type == "s16") return f.template operator()<std::int16_t>();
  if (type == "u32") return f.template operator()<std::uint32_t>();
  if (type == "s32") return f.template operator()<std::int32_t>();
  if (type == "u64") return f.template operator()<std::uint64_t>();
  if (type == "s64") return f.template operator()<std::int64_t>();
  return nullptr;
}
template <class F>
action of_bits(std::string_view type, const F& f) {
  if (type == "pred") return f.template operator()<bool>();
  if (type == "b16") return f.template operator()<std::uint16_t>();
  if (type == "b32") return f.template operator()<std::uint32_t>();
  if (type == "b64") return f.template operator()<std::uint64_t>();
  return nullptr;
}
template <class F>
action of_float(std::string_view type, const F& f) {
  if (type == "f32") return f.template operator()<float>();
  if (type == "f64") return f.template operator()<double>();
  return nullptr;
}

/// `work` on numbers of a type.
template <auto work>
action on_integers(std::string_view type) {
  return of_integer(type, []<class T>() -> action { return each_lane_alone<T, work>; });
}
template <auto work>
action on_bits(std::string_view type) {
  return of_bits(type, []<class T>() -> action { return each_lane_alone<T, work>; });
}
template <auto work>
action on_floats(std::string_view type) {
  return of_float(type, []<class T>() -> action { return each_lane_alone<T, work>; });
}

}  // namespace pretext::tests::ptx
