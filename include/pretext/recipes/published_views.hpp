// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <optional>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1 {

/// Views of one size: their number, their side in pixels and the fraction of the image's area that is
/// cropped. 0 is absent.
struct published_crops {
  std::size_t count = 0, side = 0;
  float minimum_area = 0, maximum_area = 0;
};

/// Published numbers of a method's views. Three values are those of the first view, of the other global ones,
/// and of local ones.
struct published_views {
  published_crops global{}, local{};
  /// Brightness, contrast, saturation, hue, as torchvision counts them.
  std::optional<std::array<float, 4>> jitter{};
  std::optional<float> jitter_probability{}, gray{};
  std::optional<std::array<float, 3>> blur{}, solarize{};  ///< probabilities
  /// The second view is cropped and flipped and not changed otherwise.
  bool weak_second_view = false;
};

}  // namespace pretext::inline v0_1
