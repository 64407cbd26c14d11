// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/image/color.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1 {

/// An affine map from the pixels of the new view to those of the old: position (x, y) reads
/// (xx·x + xy·y + x0, yx·x + yy·y + y0), where pixel centres are at halves.
struct affine_map {
  double xx = 1, xy = 0, x0 = 0, yx = 0, yy = 1, y0 = 0;

  PRETEXT_HOST_DEVICE static constexpr affine_map sheared_x(double factor) { return {1, factor, 0, 0, 1, 0}; }
  PRETEXT_HOST_DEVICE static constexpr affine_map sheared_y(double factor) { return {1, 0, 0, factor, 1, 0}; }
  /// Moves the content left by x and up by y pixels.
  PRETEXT_HOST_DEVICE static constexpr affine_map translated(double x, double y) {
    return {1, 0, x, 0, 1, y};
  }
  /// Rotates the content counter-clockwise about the centre of the view.
  PRETEXT_HOST_DEVICE static affine_map rotated(double degrees, image_extent view) {
    const double angle = -degrees * std::numbers::pi / 180, c = std::cos(angle), s = std::sin(angle);
    const double x = static_cast<double>(view.width) / 2, y = static_cast<double>(view.height) / 2;
    return {c, s, x - c * x - s * y, -s, c, y + s * x - c * y};
  }
};

namespace detail {
/// The four weights of PIL's bicubic transform: Keys' cubic with a = -1.
struct cubic_taps {
  std::int64_t first;
  float weight[4];

  PRETEXT_HOST_DEVICE explicit cubic_taps(double centre) {
    const double floor = std::floor(centre);
    first = static_cast<std::int64_t>(floor) - 1;
    const auto fraction = static_cast<float>(centre - floor);
    for (int tap = 0; tap < 4; ++tap)
      weight[tap] = cubic_weight(fraction + 1 - static_cast<float>(tap), -1.f);
  }
};

PRETEXT_HOST_DEVICE constexpr std::size_t clamped_index(std::int64_t at, std::size_t extent) {
  const auto last = static_cast<std::int64_t>(extent) - 1;
  return static_cast<std::size_t>(at < 0 ? 0 : at < last ? at : last);
}
}  // namespace detail

/// Applies an affine map to a view with bicubic interpolation, as PIL's `Image.transform` does: taps outside
/// of the view read its border, positions outside of it become `fill`; clipped to [0, 1].
template <class View>
PRETEXT_HOST_DEVICE void warp(View& view, const affine_map& from, pixel<View::channels> fill) {
  const image_extent extent = view.extent;
  view.map_pixels([=](std::size_t row, std::size_t column, const auto& before) {
    const double x = static_cast<double>(column) + .5, y = static_cast<double>(row) + .5;
    const double across = from.xx * x + from.xy * y + from.x0, down = from.yx * x + from.yy * y + from.y0;
    if (across < 0 || across >= static_cast<double>(extent.width) || down < 0 ||
        down >= static_cast<double>(extent.height))
      return fill;
    const detail::cubic_taps columns{across - .5}, rows{down - .5};
    pixel<View::channels> sum{};
    for (int j = 0; j < 4; ++j)
      for (int i = 0; i < 4; ++i) {
        const auto p = before(detail::clamped_index(rows.first + j, extent.height),
                              detail::clamped_index(columns.first + i, extent.width));
        const float w = rows.weight[j] * columns.weight[i];
        sum = each_channel(sum, p, [w](float total, float value) { return total + w * value; });
      }
    return color::clipped(sum);
  });
}

}  // namespace pretext::inline v0_1
