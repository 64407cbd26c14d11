#pragma once
#include <cmath>

#include <pretext/augment/flip.hpp>

namespace pretext {

/// What a filter reads beyond the border: zeros, or the inside mirrored about the outermost pixel.
enum class padding { zeros, reflect };

/// Half of a symmetric filter: weight[0] at the centre, weight[k] at distance k on both sides.
struct filter_taps {
  static constexpr std::size_t largest_radius = 63;
  std::size_t radius = 0;
  float weight[largest_radius + 1]{1};
};

/// exp(−x² / 2σ²) at x = −r … r, divided by its sum.
PRETEXT_HOST_DEVICE inline filter_taps gaussian_taps(float sigma, std::size_t radius) {
  filter_taps taps{radius, {}};
  double sum = 0, weight[filter_taps::largest_radius + 1]{};
  for (std::size_t k = 0; k <= radius; ++k) {
    const double x = static_cast<double>(k) / static_cast<double>(sigma);
    weight[k] = std::exp(-x * x / 2);
    sum += k == 0 ? weight[k] : 2 * weight[k];
  }
  for (std::size_t k = 0; k <= radius; ++k) taps.weight[k] = static_cast<float>(weight[k] / sum);
  return taps;
}

/// Separable Gaussian blur, its σ drawn for each view (SimCLR App. A; the official code draws one per batch
/// and host). 2r + 1 taps with r = int(S // 10 / 2) for views of S pixels unless `taps` says otherwise.
struct gaussian_blur {
  float probability = .5f;
  bounds sigma{.1f, 2};  ///< in pixels of the view
  std::size_t taps = 0;  ///< odd; 0: a tenth of the view
  padding border = padding::zeros;

  static constexpr std::uint32_t first_draw = 524;
  struct choice {
    float sigma = 0;  ///< 0: not blurred
  };

  PRETEXT_HOST_DEVICE choice choose(const random_draws& draws, image_extent, image_extent) const {
    return {draws.happens(0, probability) ? draws.uniform(1, sigma) : 0.f};
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t radius(image_extent view) const {
    return taps == 0 ? (view.height < view.width ? view.height : view.width) / 10 / 2 : taps / 2;
  }
  template <class View>
  PRETEXT_HOST_DEVICE void apply(const choice& chosen, View& view) const {
    if (chosen.sigma > 0) view.filter(gaussian_taps(chosen.sigma, radius(view.extent)), border);
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

}  // namespace pretext
