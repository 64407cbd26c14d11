// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1 {

/// Rows and columns of an image or a view.
struct image_extent {
  std::size_t height = 0, width = 0;
  friend constexpr bool operator==(const image_extent&, const image_extent&) = default;
};

/// How a crop is resized. Pixel centres are at half pixels, except for the legacy kind; taps beyond the crop
/// read its border, except for TensorFlow's. With antialias the kernel widens as the image shrinks.
enum class interpolation {
  bilinear,            ///< torch
  bilinear_antialias,  ///< torch antialias=True, PIL
  bicubic,             ///< torch, OpenCV: a = −.75
  bicubic_antialias,   ///< torch antialias=True, PIL: a = −.5
  bicubic_tensorflow,  ///< TensorFlow 2: a = −.5, taps beyond the crop dropped
  bicubic_legacy       ///< TensorFlow 1: a = −.75, no half-pixel centres
};

/// One axis of a resize: pixels [begin, begin + extent) of the source are scaled to `scaled` pixels, and the
/// view is those from `offset` on.
struct resampled_axis {
  std::int64_t begin = 0, extent = 0, scaled = 0, offset = 0;
};

/// The map from a view's pixels to the source: all geometric operations of a pipeline combined.
struct resampling_map {
  resampled_axis rows, columns;
  interpolation method = interpolation::bicubic_tensorflow;
  bool mirrored = false;
};

/// The kernel of cubic convolution (Keys 1981), zero from distance 2 on.
template <class T>
PRETEXT_HOST_DEVICE constexpr T cubic_weight(T distance, T a) {
  const T x = distance < 0 ? -distance : distance;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : T{0};
}

/// The kernel of linear interpolation, zero from distance 1 on.
PRETEXT_HOST_DEVICE constexpr float linear_weight(float distance) {
  const float x = distance < 0 ? -distance : distance;
  return x < 1 ? 1 - x : 0.f;
}

/// The source pixels that each output pixel of one axis reads, and their weights.
struct axis_resampling {
  resampled_axis axis;
  bool linear, antialiased, half_pixel, drops_outside;
  float a;         ///< steepness of the cubic
  double scale;    ///< source pixels per output pixel
  double stretch;  ///< factor by which antialias widens the kernel

  /// The taps of one output pixel: source positions first … first + count − 1, which may be beyond the axis.
  struct window {
    std::int64_t first;
    int count;
    float start, step;  ///< distance of the first tap from the output's centre, and between taps
  };

  PRETEXT_HOST_DEVICE axis_resampling(interpolation method, const resampled_axis& along)
      : axis{along},
        linear{method == interpolation::bilinear || method == interpolation::bilinear_antialias},
        antialiased{method == interpolation::bilinear_antialias ||
                    method == interpolation::bicubic_antialias},
        half_pixel{method != interpolation::bicubic_legacy},
        drops_outside{method == interpolation::bicubic_tensorflow},
        a{method == interpolation::bicubic || method == interpolation::bicubic_legacy ? -.75f : -.5f},
        scale{static_cast<double>(along.extent) / static_cast<double>(along.scaled)},
        stretch{antialiased && scale > 1 ? scale : 1} {}

  /// The maximum number of taps of an output pixel.
  PRETEXT_HOST_DEVICE int max_taps() const {
    const int reach = linear ? 1 : 2;
    return antialiased ? 2 * static_cast<int>(std::ceil(reach * stretch)) + 1 : 2 * reach;
  }

  /// The taps of output pixel `index` of the view, relative to the crop's first pixel.
  PRETEXT_HOST_DEVICE window operator()(std::int64_t index) const {
    const double output = static_cast<double>(index + axis.offset);
    if (antialiased) {
      const double reach = (linear ? 1 : 2) * stretch, centre = scale * (output + .5);
      const double low = centre - reach + .5, high = centre + reach + .5;
      const std::int64_t first = low > 0 ? static_cast<std::int64_t>(low) : 0;
      const auto end = static_cast<std::int64_t>(high);
      return {first, static_cast<int>((end < axis.extent ? end : axis.extent) - first),
              static_cast<float>((static_cast<double>(first) + .5 - centre) / stretch),
              static_cast<float>(1 / stretch)};
    }
    double position = half_pixel ? (output + .5) * scale - .5 : output * scale;
    if (linear && position < 0) position = 0;
    const double floor = std::floor(position);
    const int before = linear ? 0 : 1;
    return {static_cast<std::int64_t>(floor) - before, linear ? 2 : 4,
            static_cast<float>(floor - position) - static_cast<float>(before), 1.f};
  }

  /// A source position in [0, extent) and its weight, not yet divided by the sum of the weights of all taps
  /// that count.
  struct tap {
    std::int64_t at;
    float weight;
    bool counts;
  };

  /// The tap with index `index` < count.
  PRETEXT_HOST_DEVICE tap operator()(const window& taps, int index) const {
    const std::int64_t at = taps.first + index;
    const std::int64_t clamped = at < 0 ? 0 : at < axis.extent ? at : axis.extent - 1;
    const float distance = taps.start + static_cast<float>(index) * taps.step;
    return {clamped, weight(distance), !(drops_outside && clamped != at)};
  }
  PRETEXT_HOST_DEVICE float weight(float distance) const {
    return linear ? linear_weight(distance) : cubic_weight(distance, a);
  }
};

}  // namespace pretext::inline v0_1
