#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <pretext/core/host_device.hpp>
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

/// One pixel of a view, in [0, 1].
template <class Pixel>
PRETEXT_HOST_DEVICE rgb resampled_pixel(const stored_image<Pixel>& image, const resampling_map& at,
                                        const axis_resampling& rows, const axis_resampling& columns,
                                        image_extent view, std::size_t y, std::size_t x) {
  const normalised_taps down{rows, static_cast<std::int64_t>(y)},
      across{columns, static_cast<std::int64_t>(at.mirrored ? view.width - 1 - x : x)};
  rgb sum{0, 0, 0};
  for (int i = 0; i < down.count(); ++i) {
    const auto row = down[i];
    rgb line{0, 0, 0};
    for (int j = 0; j < across.count(); ++j) {
      const auto column = across[j];
      const std::size_t pixel = static_cast<std::size_t>(at.rows.begin + row.at) * image.width +
                                static_cast<std::size_t>(at.columns.begin + column.at);
      const Pixel* const from = image.pixels + pixel * image.channels;
      const bool gray = image.channels == 1;
      line.r += column.weight * static_cast<float>(from[0]);
      line.g += column.weight * static_cast<float>(from[gray ? 0 : 1]);
      line.b += column.weight * static_cast<float>(from[gray ? 0 : 2]);
    }
    sum.r += row.weight * line.r;
    sum.g += row.weight * line.g;
    sum.b += row.weight * line.b;
  }
  constexpr float scale = std::is_integral_v<Pixel> ? 1.f / 255 : 1.f;
  return color::clipped(color::scaled(sum, scale));
}

}  // namespace pretext::inline v0_1::grid
