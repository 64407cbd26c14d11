// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/image/color.hpp>

namespace pretext::inline v0_1 {

namespace color {
/// The level, of 256, of a channel in an 8-bit image.
PRETEXT_HOST_DEVICE constexpr std::uint32_t level(float x) {
  return static_cast<std::uint32_t>(clipped(x) * 255 + .5f);
}
}  // namespace color

/// The histogram of each channel: pixels per level.
struct level_counts {
  std::uint32_t r[256]{}, g[256]{}, b[256]{};
};

/// A lookup table: the new value of each level of each channel.
struct level_table {
  float r[256], g[256], b[256];

  PRETEXT_HOST_DEVICE constexpr rgb operator()(rgb p) const {
    return {r[color::level(p.r)], g[color::level(p.g)], b[color::level(p.b)]};
  }
};

}  // namespace pretext::inline v0_1
