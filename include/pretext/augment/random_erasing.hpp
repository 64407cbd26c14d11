// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/augment/crop.hpp>
#include <pretext/augment/draws.hpp>
#include <pretext/augment/flip.hpp>
#include <pretext/core/distributions.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/random.hpp>
#include <pretext/core/random_streams.hpp>
#include <pretext/kernels/image/color.hpp>

namespace pretext::inline v0_1 {

/// Replaces a box of the view by noise from N(0, 1), drawn for each element (Zhong et al. 2020; timm's pixel
/// mode). Put it after normalisation. If none of ten boxes fits into the view, nothing is erased.
struct random_erasing {
  float probability = .25f;
  value_range area{.02f, 1.f / 3};  ///< of the view's area, in (0, 1]
  value_range ratio{.3f, 1 / .3f};  ///< of height to width, log-uniform

  static constexpr std::uint32_t stream_id = streams::random_erasing.first,
                                 stream_size = streams::random_erasing.size;
  static constexpr std::uint32_t attempts = 10;
  static_assert(4 + 4 * attempts <= stream_size);

  /// The box, empty if nothing is erased, and the key of its noise.
  struct choice {
    crop_box box{};
    random_key noise{};
  };

  PRETEXT_HOST_DEVICE choice choose(const auto& draws, image_extent, image_extent view) const {
    if (!draws.bernoulli(0, probability)) return {};
    random_key noise = draws.key;
    noise.view += 64;  // another key than any view's, because it needs a number for each element of the box
    noise.seed ^= draws.first;
    const auto height = static_cast<std::int64_t>(view.height), width = static_cast<std::int64_t>(view.width);
    for (std::uint32_t attempt = 0; attempt < attempts; ++attempt) {
      const std::uint32_t draw = 4 + 4 * attempt;
      const double target =
          detail::between(draws, draw, area.low, area.high) * static_cast<double>(height * width);
      const double aspect =
          std::exp(detail::between(draws, draw + 1, std::log(static_cast<double>(ratio.low)),
                                   std::log(static_cast<double>(ratio.high))));
      const std::int64_t h = detail::rounded(std::sqrt(target * aspect));
      const std::int64_t w = detail::rounded(std::sqrt(target / aspect));
      if (h < height && w < width)
        return {{detail::offset(draws, draw + 2, height - h + 1),
                 detail::offset(draws, draw + 3, width - w + 1), h, w},
                noise};
    }
    return {};
  }

  template <class View>
  PRETEXT_HOST_DEVICE void apply(const choice& chosen, View& view) const {
    const crop_box box = chosen.box;
    if (box.height == 0 || box.width == 0) return;
    view.map_pixels([=, noise = chosen.noise](std::size_t y, std::size_t x, const auto& before) {
      const std::int64_t row = static_cast<std::int64_t>(y) - box.top,
                         column = static_cast<std::int64_t>(x) - box.left;
      if (row < 0 || row >= box.height || column < 0 || column >= box.width) return before(y, x);
      auto pair =
          static_cast<std::uint32_t>(static_cast<std::int64_t>(View::channels) * (row * box.width + column));
      return each_channel(pixel<View::channels>{},
                          [&](float) { return static_cast<float>(standard_normal(noise, pair++)); });
    });
  }

  void check(image_extent) const {
    detail::check_probability("random_erasing", probability);
    expects(0 < area.low && area.low <= area.high && area.high <= 1, "random_erasing: area [", area.low, ", ",
            area.high, "] must lie within (0, 1]");
    expects(0 < ratio.low && ratio.low <= ratio.high, "random_erasing: ratio [", ratio.low, ", ", ratio.high,
            "] must be positive and ascending");
  }
};

}  // namespace pretext::inline v0_1
