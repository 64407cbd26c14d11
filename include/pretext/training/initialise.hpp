#pragma once
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>

#include <pretext/core/parameter.hpp>
#include <pretext/core/random.hpp>

namespace pretext {

namespace detail {

/// Standard normal numbers from the bits of one element's key (Box & Muller 1958), 32 bits each.
inline double standard_normal(const random_key& key, std::uint32_t pair) {
  const double u = (static_cast<double>(key.word(2 * pair)) + 0.5) * 0x1p-32;
  const double v = (static_cast<double>(key.word(2 * pair + 1)) + 0.5) * 0x1p-32;
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

}  // namespace detail

/// The value that element `index` of a parameter starts with; depends on the seed and the parameter's row
/// alone.
inline double start_value(const initialiser& start, std::uint64_t seed, std::uint32_t row,
                          std::uint64_t index) {
  const random_key key{seed, row, index, 255};
  switch (start.shape) {
    case initialiser::kind::constant:
      return start.width;
    case initialiser::kind::uniform:
      return start.width * (2 * (static_cast<double>(key.word(0)) + 0.5) * 0x1p-32 - 1);
    case initialiser::kind::normal:
      return start.width * detail::standard_normal(key, 0);
    case initialiser::kind::truncated_normal:
      for (std::uint32_t attempt = 0;; ++attempt)
        if (const double draw = detail::standard_normal(key, attempt); std::abs(draw) < 2)
          return start.width * draw;
    case initialiser::kind::table:
      return start.value(index);
  }
  return 0;
}

/// Fills a flat buffer on the host with the start of every parameter of the table.
template <class W>
void initialise(std::span<const parameter> table, std::uint64_t seed, W* value) {
  for (std::uint32_t row = 0; row < table.size(); ++row)
    for (std::size_t i = 0; i < table[row].size(); ++i)
      value[table[row].offset + i] = static_cast<W>(start_value(table[row].start, seed, row, i));
}

}  // namespace pretext
