// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/expects.hpp>

namespace pretext::inline v0_1::detail {

/// Throws std::invalid_argument if an image's `count` values are those of unscaled 8-bit pixels: none
/// negative, as after a normalisation, and some far above 1. NaN do not count.
template <class T>
void expects_scaled(const T* values, std::size_t count) {
  float low = 0, high = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = static_cast<float>(values[i]);
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
  expects(low < 0 || high <= 16, "trainer: the first view has pixels up to ", high,
          "; views must be in [0, 1] or normalised: divide 8-bit pixels by 255");
}

}  // namespace pretext::inline v0_1::detail
