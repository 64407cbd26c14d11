// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/augment/flip.hpp>
#include <pretext/core/distributions.hpp>
#include <pretext/kernels/image/color.hpp>

namespace pretext::inline v0_1 {

/// Adds noise from N(0, σ²), drawn for each channel of each pixel, and clips to [0, 1]; σ ~ U(sigma) for each
/// view.
struct gaussian_noise {
  float probability = .5f;
  value_range sigma{0, .05f};  ///< of values in [0, 1]

  static constexpr bool needs_unit_range = true;
  static constexpr std::uint32_t stream_id = streams::gaussian_noise.first,
                                 stream_size = streams::gaussian_noise.size;
  /// The deviation, 0 if no noise is added, and the key of the noise.
  struct choice {
    float sigma = 0;
    random_key noise{};
  };

  PRETEXT_HOST_DEVICE choice choose(const auto& draws, image_extent, image_extent) const {
    if (!draws.bernoulli(0, probability)) return {};
    random_key noise = draws.key;
    noise.view += 64;  // another key than any view's, because it needs a number for each value of the view
    noise.seed ^= draws.first;
    return {draws.uniform(1, sigma), noise};
  }

  template <class View>
  PRETEXT_HOST_DEVICE void apply(const choice& chosen, View& view) const {
    if (chosen.sigma == 0) return;
    const std::size_t width = view.extent.width;
    view.map_pixels([=](std::size_t y, std::size_t x, const auto& before) {
      auto draw = static_cast<std::uint32_t>(View::channels * (y * width + x));
      return each_channel(before(y, x), [&](float value) {
        return color::clipped(value +
                              chosen.sigma * static_cast<float>(standard_normal(chosen.noise, draw++)));
      });
    });
  }

  void check(image_extent) const {
    detail::check_probability("gaussian_noise", probability);
    expects(0 <= sigma.low && sigma.low <= sigma.high, "gaussian_noise: sigma [", sigma.low, ", ", sigma.high,
            "] must be ascending and not negative");
  }
};

}  // namespace pretext::inline v0_1
