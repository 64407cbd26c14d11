// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/augment/flip.hpp>
#include <pretext/kernels/image/filter.hpp>

namespace pretext::inline v0_1 {

/// Separable Gaussian blur with σ drawn for each view (SimCLR App. A; the official code draws one per batch
/// and host). It has `taps` taps, by default 2r + 1 with r = int(S // 10 / 2) for views whose shorter side
/// has S pixels.
struct gaussian_blur {
  float probability = .5f;
  value_range sigma{.1f, 2};  ///< in pixels of the view
  std::size_t taps = 0;       ///< odd, or 0 for the default: a tenth of the view
  padding border = padding::zeros;

  static constexpr std::uint32_t stream_id = streams::gaussian_blur.first,
                                 stream_size = streams::gaussian_blur.size;
  struct choice {
    float sigma = 0;  ///< 0: not blurred
  };

  PRETEXT_HOST_DEVICE choice choose(const auto& draws, image_extent, image_extent) const {
    return {draws.bernoulli(0, probability) ? draws.uniform(1, sigma) : 0.f};
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t radius(image_extent view) const {
    return taps == 0 ? (view.height < view.width ? view.height : view.width) / 10 / 2 : taps / 2;
  }
  template <class View>
  PRETEXT_HOST_DEVICE void apply(const choice& chosen, View& view) const {
    if (chosen.sigma > 0) view.blur(chosen.sigma, radius(view.extent), border);
  }

  void check(image_extent view) const {
    detail::check_probability("gaussian_blur", probability);
    expects(0 < sigma.low && sigma.low <= sigma.high, "gaussian_blur: sigma [", sigma.low, ", ", sigma.high,
            "] must be positive and ascending");
    expects(taps == 0 || taps % 2 == 1, "gaussian_blur: taps must be odd, not ", taps);
    expects(radius(view) <= filter_taps::largest_radius, "gaussian_blur: at most ",
            2 * filter_taps::largest_radius + 1, " taps, not ", 2 * radius(view) + 1);
    expects(border == padding::zeros || (radius(view) < view.height && radius(view) < view.width),
            "gaussian_blur: reflecting ", radius(view), " pixels needs views larger than ", view.height,
            " x ", view.width);
  }
};

}  // namespace pretext::inline v0_1
