// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/core/expects.hpp>

namespace pretext::inline v0_1::detail {

/// Throws std::invalid_argument if an image's `count` values are those of unscaled 8-bit pixels: none
/// negative, as after a normalisation, and some far above 1.
template <class T>
void expects_scaled(const T* values, std::size_t count) {
  const auto [low, high] = std::minmax_element(
      values, values + count, [](T a, T b) { return static_cast<float>(a) < static_cast<float>(b); });
  expects(count == 0 || static_cast<float>(*low) < 0 || static_cast<float>(*high) <= 16,
          "trainer: the first view has pixels up to ", count ? static_cast<float>(*high) : 0.f,
          "; views must be in [0, 1] or normalised: divide 8-bit pixels by 255");
}

}  // namespace pretext::inline v0_1::detail
