// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstring>
#include <limits>

#include <pretext/core/expects.hpp>
#include <pretext/kernels/augment.hpp>

namespace pretext::inline v0_1::detail {

/// Sample i of an image of floats or doubles, counted row by row, channels last.
template <ImageSource Image>
float float_sample(const Image& image, std::size_t i) {
  const auto* const samples = pixels_of(image);
  if constexpr (TypedImage<Image>) {
    image_strides strides{};
    if constexpr (StridedImage<Image>) strides = image.strides;
    auto at = static_cast<std::ptrdiff_t>(i * sizeof(float));
    if (strides != image_strides{}) {
      const std::size_t pixel = i / image.channels;
      at = static_cast<std::ptrdiff_t>(pixel / image.width) * strides.row +
           static_cast<std::ptrdiff_t>(pixel % image.width) * strides.pixel +
           static_cast<std::ptrdiff_t>(i % image.channels) * strides.channel;
    }
    float value;
    std::memcpy(&value, samples + at, sizeof value);
    return value;
  } else {
    return static_cast<float>(samples[i]);
  }
}

/// Throws std::invalid_argument if an image of floats without a range has samples far beyond [0, 1], which
/// views would clip. Looks at no more than about 4096 samples; NaN do not count.
template <ImageSource Image>
void check_floats(const Image& image, std::size_t index) {
  const sample_format format = samples_of(image);
  if (format.type != sample_type::float32 || format.range.low != format.range.high) return;
  constexpr float far_beyond = 16;  // less may be the highlights of an image in [0, 1]
  const std::size_t count = image.height * image.width * image.channels, step = count / 4096 | 1;
  float low = std::numeric_limits<float>::max(), high = -low;
  for (std::size_t i = 0; i < count; i += step) {
    const float value = float_sample(image, i);
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
  expects(-low <= far_beyond && high <= far_beyond, "augment: image ", index,
          " of the batch has floats from ", low, " to ", high,
          ", of which views would keep those in [0, 1]; give its range: view_of(pixels, height, width, "
          "channels, {",
          low, ", ", high, "}), or levels (sample_levels, --levels data)");
}

}  // namespace pretext::inline v0_1::detail
