#pragma once
#include <pretext/augment/flip.hpp>
#include <pretext/kernels/image/color.hpp>

namespace pretext::inline v0_1 {

/// Replaces all three channels by the luminance.
struct grayscale {
  float probability = .2f;

  static constexpr std::uint32_t stream_id = streams::grayscale.first, stream_size = streams::grayscale.size;
  using choice = bool;

  PRETEXT_HOST_DEVICE bool choose(const auto& draws, image_extent, image_extent) const {
    return draws.bernoulli(0, probability);
  }
  template <class View>
  PRETEXT_HOST_DEVICE void apply(bool gray, View& view) const {
    if (!gray) return;
    view.map([](rgb p) {
      const float y = color::luminance(p);
      return rgb{y, y, y};
    });
  }
  void check(image_extent) const { detail::check_probability("grayscale", probability); }
};

/// x if x < threshold, otherwise 1 − x; pixels are in [0, 1] (BYOL App. B).
struct solarize {
  float probability = .2f;
  float threshold = .5f;

  static constexpr std::uint32_t stream_id = streams::solarize.first, stream_size = streams::solarize.size;
  using choice = bool;

  PRETEXT_HOST_DEVICE bool choose(const auto& draws, image_extent, image_extent) const {
    return draws.bernoulli(0, probability);
  }
  template <class View>
  PRETEXT_HOST_DEVICE void apply(bool solarized, View& view) const {
    if (!solarized) return;
    view.map([limit = threshold](rgb p) {
      return rgb{color::solarized(p.r, limit), color::solarized(p.g, limit), color::solarized(p.b, limit)};
    });
  }
  void check(image_extent) const { detail::check_probability("solarize", probability); }
};

/// (x − mean) / deviation in each channel, by default with ImageNet's values. SimCLR's official code does not
/// normalise.
struct normalise {
  rgb mean{.485f, .456f, .406f};
  rgb deviation{.229f, .224f, .225f};

  static constexpr std::uint32_t stream_id = 0, stream_size = 0;
  struct choice {};

  PRETEXT_HOST_DEVICE choice choose(const random_draws&, image_extent, image_extent) const { return {}; }
  template <class View>
  PRETEXT_HOST_DEVICE void apply(choice, View& view) const {
    const rgb inverse{1 / deviation.r, 1 / deviation.g, 1 / deviation.b};
    view.map([inverse, centre = mean](rgb p) {
      return rgb{(p.r - centre.r) * inverse.r, (p.g - centre.g) * inverse.g, (p.b - centre.b) * inverse.b};
    });
  }
  void check(image_extent) const {
    expects(deviation.r > 0 && deviation.g > 0 && deviation.b > 0, "normalise: deviations (", deviation.r,
            ", ", deviation.g, ", ", deviation.b, ") must be positive");
  }
};

}  // namespace pretext::inline v0_1
