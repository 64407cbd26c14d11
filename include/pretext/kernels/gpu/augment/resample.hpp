// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/host_device.hpp>
#include <pretext/core/image.hpp>
#include <pretext/kernels/augment.hpp>
#include <pretext/kernels/image/color.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1::grid {

/// The taps of one output pixel along one axis; the weights are divided by their sum if that is not 1 by
/// construction.
class normalised_taps {
 public:
  PRETEXT_HOST_DEVICE normalised_taps(const axis_resampling& axis, std::int64_t index)
      : axis_{axis}, window_{axis(index)} {
    int counted = 0;
    float sum = 0;
    for (int k = 0; k < window_.count; ++k) {
      const auto tap = axis_(window_, k);
      if (!tap.counts) continue;
      sum += tap.weight;
      ++counted;
    }
    divisor_ = axis.antialiased || counted != window_.count ? sum : 1.f;
  }

  PRETEXT_HOST_DEVICE int count() const { return window_.count; }
  /// Taps outside of the image have weight 0.
  PRETEXT_HOST_DEVICE axis_resampling::tap operator[](int k) const {
    auto tap = axis_(window_, k);
    tap.weight = tap.counts ? tap.weight / divisor_ : 0.f;
    return tap;
  }

 private:
  const axis_resampling& axis_;
  axis_resampling::window window_;
  float divisor_;
};

/// One sample of an image, as a float.
PRETEXT_HOST_DEVICE inline float sample_at(const stored_image& image, std::size_t i) {
  if (image.type == sample_type::uint8) return static_cast<float>(image.pixels[i]);
  if (image.type == sample_type::uint16)
    return static_cast<float>(reinterpret_cast<const std::uint16_t*>(image.pixels)[i]);
  return reinterpret_cast<const float*>(image.pixels)[i];
}

/// One pixel of a view, in [0, 1].
template <std::size_t Channels>
PRETEXT_HOST_DEVICE pixel<Channels> resampled_pixel(const stored_image& image, const resampling_map& at,
                                                    const axis_resampling& rows,
                                                    const axis_resampling& columns, image_extent view,
                                                    std::size_t y, std::size_t x) {
  const normalised_taps down{rows, static_cast<std::int64_t>(y)},
      across{columns, static_cast<std::int64_t>(at.mirrored ? view.width - 1 - x : x)};
  const sample_range bounds = bounds_of(image.type, image.range);
  const bool gray = image.channels == 1;
  pixel<Channels> sum{};
  for (int i = 0; i < down.count(); ++i) {
    const auto row = down[i];
    pixel<Channels> line{};
    for (int j = 0; j < across.count(); ++j) {
      const auto column = across[j];
      const std::size_t from = (static_cast<std::size_t>(at.rows.begin + row.at) * image.width +
                                static_cast<std::size_t>(at.columns.begin + column.at)) *
                               image.channels;
      std::size_t channel = 0;
      line = each_channel(line, [&](float total) {
        return total + column.weight * (sample_at(image, from + (gray ? 0 : channel++)) - bounds.low);
      });
    }
    sum = each_channel(sum, line, [&](float total, float value) { return total + row.weight * value; });
  }
  return color::clipped(color::scaled(sum, 1.f / (bounds.high - bounds.low)));
}

}  // namespace pretext::inline v0_1::grid
