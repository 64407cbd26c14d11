// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1 {

/// The pixels beyond the border that a filter reads: zeros, or the image mirrored about its outermost pixels.
enum class padding { zeros, reflect };

/// A symmetric filter: weight[0] at the centre, weight[k] at distance k on both sides.
struct filter_taps {
  static constexpr std::size_t largest_radius = 63;
  std::size_t radius = 0;
  float weight[largest_radius + 1]{1};
};

/// exp(−k² / 2σ²), σ > 0.
PRETEXT_HOST_DEVICE inline double gaussian_term(float sigma, std::size_t k) {
  const double x = static_cast<double>(k) / static_cast<double>(sigma);
  return std::exp(-x * x / 2);
}

/// A Gaussian filter: exp(−x² / 2σ²) at x = −r … r, divided by its sum. Requires σ > 0 and
/// radius <= `largest_radius`.
PRETEXT_HOST_DEVICE inline filter_taps gaussian_taps(float sigma, std::size_t radius) {
  filter_taps taps{radius, {}};
  double sum = 0, weight[filter_taps::largest_radius + 1]{};
  for (std::size_t k = 0; k <= radius; ++k) {
    weight[k] = gaussian_term(sigma, k);
    sum += k == 0 ? weight[k] : 2 * weight[k];
  }
  for (std::size_t k = 0; k <= radius; ++k) taps.weight[k] = static_cast<float>(weight[k] / sum);
  return taps;
}

}  // namespace pretext::inline v0_1
