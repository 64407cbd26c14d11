// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/core/image_layout.hpp>
#include <pretext/core/is_finite.hpp>

namespace pretext::inline v0_1 {

/// How the samples that views map to 0 and 1 are chosen.
enum class level_rule : std::uint8_t {
  whole_type,  ///< the whole range of the samples' type
  window,      ///< from `low` to `high`, in samples
  percentiles  ///< from the `low`-th to the `high`-th percentile of each image, 0 to 100
};

/// Which samples of an image views map to 0 and 1, for images whose interesting samples fill a small part of
/// their type's range: 16-bit cameras and floats of any unit.
struct sample_levels {
  level_rule rule = level_rule::whole_type;
  float low = 0, high = 0;
  friend constexpr bool operator==(const sample_levels&, const sample_levels&) = default;
};

/// The `low`-th and `high`-th percentile of some samples, 0 to 100, interpolated as numpy does; NaN do not
/// count. Reorders the samples. Throws std::invalid_argument unless 0 <= low < high <= 100.
inline sample_range percentiles_of(std::vector<float>& samples, float low, float high) {
  expects(0 <= low && low < high && high <= 100, "percentiles must ascend within 0 and 100, not be ", low,
          " and ", high);
  std::erase_if(samples, [](float x) { return pretext::detail::is_nan(x); });
  if (samples.empty()) return {};
  const auto percentile = [&](float percent) {
    const double position = static_cast<double>(percent) / 100 * static_cast<double>(samples.size() - 1);
    const auto below = static_cast<std::ptrdiff_t>(position);
    std::nth_element(samples.begin(), samples.begin() + below, samples.end());
    const float first = samples[static_cast<std::size_t>(below)];
    const auto fraction = static_cast<float>(position - static_cast<double>(below));
    if (fraction == 0) return first;
    return std::lerp(first, *std::min_element(samples.begin() + below + 1, samples.end()), fraction);
  };
  const float from = percentile(low);
  return {from, percentile(high)};
}

/// Appends every `stride`-th sample of an image as a float.
inline void append_samples(const image_view& any, std::size_t stride, std::vector<float>& to) {
  image storage;
  const image_view picture = contiguous(any, storage);
  const std::size_t size = size_of(picture.type), count = picture.bytes() / size;
  for (std::size_t i = 0; i < count; i += stride) {
    const std::uint8_t* const at = picture.pixels + i * size;
    std::uint16_t word = *at;
    float value = 0;
    if (picture.type == sample_type::uint16) std::memcpy(&word, at, sizeof word);
    if (picture.type == sample_type::float32)
      std::memcpy(&value, at, sizeof value);
    else
      value = word;
    to.push_back(value);
  }
}

/// The range of an image by these levels; percentiles are those of about a million of its samples, of all
/// channels together. An image that is inverted (its range descends) stays inverted.
inline sample_range range_of(const image_view& picture, const sample_levels& levels) {
  sample_range range{levels.low, levels.high};
  if (levels.rule == level_rule::whole_type) return picture.range;
  if (levels.rule == level_rule::percentiles) {
    std::vector<float> samples;
    const std::size_t count = picture.bytes() / size_of(picture.type);
    append_samples(picture, count / (std::size_t{1} << 20) | 1, samples);
    range = percentiles_of(samples, levels.low, levels.high);
  }
  if (picture.range.low > picture.range.high) std::swap(range.low, range.high);
  return range;
}

}  // namespace pretext::inline v0_1
