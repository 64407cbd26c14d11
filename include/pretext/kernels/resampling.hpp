#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/core/host_device.hpp>

namespace pretext {

/// Rows and columns of an image or a view.
struct image_extent {
  std::size_t height = 0, width = 0;
  friend constexpr bool operator==(const image_extent&, const image_extent&) = default;
};

/// How a crop is resized. Centres lie at half pixels (but for the legacy kind) and taps beyond the crop read
/// its border (but for TensorFlow's). With antialias the kernel widens as the image shrinks and a is −.5.
enum class interpolation {
  bilinear,            ///< torch
  bilinear_antialias,  ///< torch antialias=True, PIL
  bicubic,             ///< torch, OpenCV: a = −.75
  bicubic_antialias,   ///< torch antialias=True, PIL: a = −.5
  bicubic_tensorflow,  ///< TensorFlow 2: a = −.5, taps beyond the crop dropped
  bicubic_legacy       ///< TensorFlow 1: a = −.75, no half-pixel centres
};

/// One axis of a resize: pixels [begin, begin + extent) of the source become `scaled` pixels, of which the
/// view shows those from `offset` on.
struct resampled_axis {
  std::int64_t begin = 0, extent = 0, scaled = 0, offset = 0;
};

/// Where a view's pixels come from: all geometric operations of a pipeline together.
struct placement {
  resampled_axis rows, columns;
  interpolation method = interpolation::bicubic_tensorflow;
  bool mirrored = false;
};

namespace resampling {

PRETEXT_HOST_DEVICE constexpr bool antialiased(interpolation method) {
  return method == interpolation::bilinear_antialias || method == interpolation::bicubic_antialias;
}
PRETEXT_HOST_DEVICE constexpr bool linear(interpolation method) {
  return method == interpolation::bilinear || method == interpolation::bilinear_antialias;
}

/// Keys' cubic convolution (1981), zero from distance 2 on.
PRETEXT_HOST_DEVICE constexpr float cubic(float distance, float a) {
  const float x = distance < 0 ? -distance : distance;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0.f;
}

/// Weight of a tap at `distance` from the wanted position (in output pixels if antialiased and shrinking).
PRETEXT_HOST_DEVICE constexpr float weight(interpolation method, float distance) {
  if (linear(method))
    return distance < 0 ? (distance > -1 ? 1 + distance : 0.f) : (distance < 1 ? 1 - distance : 0.f);
  const bool steep = method == interpolation::bicubic || method == interpolation::bicubic_legacy;
  return cubic(distance, steep ? -.75f : -.5f);
}

/// The taps of one output pixel: source positions first … first + count − 1, perhaps beyond the axis.
struct window {
  std::int64_t first;
  int count;
  float start;   ///< distance of the first tap from the wanted position
  float shrink;  ///< what distances are multiplied by
};

/// Most taps that any output pixel of the axis has.
PRETEXT_HOST_DEVICE inline int most_taps(interpolation method, const resampled_axis& axis) {
  const int reach = linear(method) ? 1 : 2;
  if (!antialiased(method) || axis.extent <= axis.scaled) return 2 * reach + (antialiased(method) ? 1 : 0);
  return 2 * static_cast<int>(
                 std::ceil(reach * static_cast<double>(axis.extent) / static_cast<double>(axis.scaled))) +
         1;
}

/// The taps that output pixel `index` of a view reads, in source pixels counted from the crop's first.
PRETEXT_HOST_DEVICE inline window window_of(interpolation method, const resampled_axis& axis,
                                            std::int64_t index) {
  const double scale = static_cast<double>(axis.extent) / static_cast<double>(axis.scaled);
  const double output = static_cast<double>(index + axis.offset);
  if (antialiased(method)) {
    const double stretch = scale > 1 ? scale : 1, reach = (linear(method) ? 1 : 2) * stretch;
    const double centre = scale * (output + .5);
    const double low = centre - reach + .5, high = centre + reach + .5;
    const std::int64_t first = low > 0 ? static_cast<std::int64_t>(low) : 0;
    const auto end = static_cast<std::int64_t>(high);
    return {first, static_cast<int>((end < axis.extent ? end : axis.extent) - first),
            static_cast<float>((static_cast<double>(first) + .5 - centre) / stretch),
            static_cast<float>(1 / stretch)};
  }
  double position = method == interpolation::bicubic_legacy ? output * scale : (output + .5) * scale - .5;
  if (linear(method) && position < 0) position = 0;
  const double floor = std::floor(position);
  const int before = linear(method) ? 0 : 1;
  return {static_cast<std::int64_t>(floor) - before, linear(method) ? 2 : 4,
          static_cast<float>(floor - position) - static_cast<float>(before), 1.f};
}

/// Calls `visit(source position, weight)` for every tap of output pixel `index`; positions lie within
/// [0, extent) and the weights are yet to be divided by their sum.
template <class Visit>
PRETEXT_HOST_DEVICE void for_each_tap(interpolation method, const resampled_axis& axis, std::int64_t index,
                                      Visit&& visit) {
  const window taps = window_of(method, axis, index);
  for (int tap = 0; tap < taps.count; ++tap) {
    const std::int64_t at = taps.first + tap;
    const std::int64_t held = at < 0 ? 0 : at < axis.extent ? at : axis.extent - 1;
    if (method == interpolation::bicubic_tensorflow && held != at) continue;
    visit(held, weight(method, taps.start + static_cast<float>(tap) * taps.shrink));
  }
}

}  // namespace resampling
}  // namespace pretext
