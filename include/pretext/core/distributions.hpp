// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstdint>
#include <numbers>

#include <pretext/core/host_device.hpp>
#include <pretext/core/random.hpp>

namespace pretext::inline v0_1 {

/// A standard normal variate from words 2·pair and 2·pair + 1 of a key (Box & Muller 1958).
PRETEXT_HOST_DEVICE inline double standard_normal(const random_key& key, std::uint32_t pair) {
  const double u = (static_cast<double>(key.word(2 * pair)) + 0.5) * 0x1p-32;
  const double v = (static_cast<double>(key.word(2 * pair + 1)) + 0.5) * 0x1p-32;
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

/// The number of words that `gamma_variate` may read.
inline constexpr std::uint32_t gamma_draws = 256;
/// A variate of Gamma(shape, 1), shape > 0 (Marsaglia & Tsang 2000), from words [first, first + gamma_draws)
/// of a key; `first` is even.
PRETEXT_HOST_DEVICE inline double gamma_variate(const random_key& key, std::uint32_t first, double shape) {
  // For a shape below one: a variate of shape + 1 times a power of a uniform variate (their section 6).
  const auto open_unit = [&](std::uint32_t draw) {
    return (static_cast<double>(key.word(draw)) + 0.5) * 0x1p-32;
  };
  const double d = (shape < 1 ? shape + 1 : shape) - 1. / 3, c = 1 / std::sqrt(9 * d);
  const double correction = shape < 1 ? std::pow(open_unit(first), 1 / shape) : 1;
  for (std::uint32_t draw = first + 4; draw + 4 <= first + gamma_draws; draw += 4) {
    const double x = standard_normal(key, draw / 2), root = 1 + c * x, v = root * root * root;
    if (root > 0 && std::log(open_unit(draw + 2)) < x * x / 2 + d * (1 - v + std::log(v)))
      return d * v * correction;
  }
  return d * correction;  // 63 rejections with at most 5 % each do not happen
}

/// A variate of Beta(a, b), from words [first, first + 2·gamma_draws) of a key; `first` is even.
PRETEXT_HOST_DEVICE inline double beta_variate(const random_key& key, std::uint32_t first, double a,
                                               double b) {
  const double x = gamma_variate(key, first, a), y = gamma_variate(key, first + gamma_draws, b);
  return x + y > 0 ? x / (x + y) : .5;
}

}  // namespace pretext::inline v0_1
