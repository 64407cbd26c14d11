// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstdint>
#include <span>

#include <pretext/core/distributions.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/core/random.hpp>
#include <pretext/layers/linear.hpp>

namespace pretext::inline v0_1 {

/// The initial value of element `index` of a parameter, a function of the seed and the parameter's row alone.
inline double start_value(const initialiser& start, std::uint64_t seed, std::uint32_t row,
                          std::uint64_t index) {
  const random_key key{seed, row, index, 255};
  switch (start.distribution) {
    case initialiser::kind::constant:
      return start.scale;
    case initialiser::kind::uniform:
      return start.scale * (2 * (static_cast<double>(key.word(0)) + 0.5) * 0x1p-32 - 1);
    case initialiser::kind::normal:
      return start.scale * standard_normal(key, 0);
    case initialiser::kind::truncated_normal:
      for (std::uint32_t attempt = 0;; ++attempt)
        if (const double draw = standard_normal(key, attempt); std::abs(draw) < 2) return start.scale * draw;
    case initialiser::kind::table:
      return start.value(index);
  }
  return 0;
}

/// The table with the initialisation of DeepMind's Haiku, in which BYOL's official code is written: weights
/// of two or more dimensions from a normal distribution of deviation 1/√fan_in truncated at two deviations,
/// their biases 0. Batch norm is initialised as before.
template <std::size_t N>
constexpr parameters<N> haiku_init(parameters<N> table) {
  for (parameter& p : table) {
    if (p.role != parameter_role::trainable) continue;
    if (p.rank >= 2)
      p.init = initialiser::truncated_normal(1 / detail::square_root(double(p.size() / p.extents[0])));
    else if (p.init.distribution != initialiser::kind::constant)
      p.init = initialiser::constant(0);
  }
  return table;
}

/// Fills a flat buffer on the host with the initial values of all parameters.
template <class W>
void initialise(std::span<const parameter> table, std::uint64_t seed, W* value) {
  for (std::uint32_t row = 0; row < table.size(); ++row)
    for (std::size_t i = 0; i < table[row].size(); ++i)
      value[table[row].offset + i] = static_cast<W>(start_value(table[row].init, seed, row, i));
}

}  // namespace pretext::inline v0_1
