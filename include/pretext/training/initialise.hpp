#pragma once
#include <cmath>
#include <cstdint>
#include <span>

#include <pretext/core/distributions.hpp>
#include <pretext/core/parameter.hpp>

namespace pretext {

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
      return start.width * standard_normal(key, 0);
    case initialiser::kind::truncated_normal:
      for (std::uint32_t attempt = 0;; ++attempt)
        if (const double draw = standard_normal(key, attempt); std::abs(draw) < 2) return start.width * draw;
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
