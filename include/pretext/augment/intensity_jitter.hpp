// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include <pretext/augment/color_jitter.hpp>

namespace pretext::inline v0_1 {

/// Brightness and contrast in random order, clipped to [0, 1] after each: the part of `color_jitter` that
/// makes sense for any number of channels. The members are strengths as there; 0 skips an operation. All
/// channels get the same change of brightness, and contrast is about each channel's own mean.
template <class Brightness = multiplicative_brightness>
struct intensity_jitter {
  float brightness = .4f, contrast = .4f;
  float probability = .8f;

  static constexpr bool needs_unit_range = true;
  static constexpr std::uint32_t stream_id = streams::intensity_jitter.first,
                                 stream_size = streams::intensity_jitter.size;
  struct choice {
    bool jittered = false, contrast_first = false;
    float brightness = 0;  ///< δ or f
    float contrast = 1;    ///< f
  };

  PRETEXT_HOST_DEVICE choice choose(const auto& draws, image_extent, image_extent) const {
    if (!draws.bernoulli(0, probability)) return {};
    return {true, draws.bernoulli(1, .5f), draws.uniform(2, Brightness::range(brightness)),
            draws.uniform(3, value_range{color::larger(1 - contrast, 0.f), 1 + contrast})};
  }

  template <class View>
  PRETEXT_HOST_DEVICE void apply(const choice& chosen, View& view) const {
    if (!chosen.jittered) return;
    for (int turn = 0; turn < 2; ++turn) {
      const bool adjusts_contrast = chosen.contrast_first == (turn == 0);
      if (adjusts_contrast && contrast != 0) {
        const auto mean = view.mean([](auto p) { return p; });
        view.map(
            [f = chosen.contrast, mean](auto p) { return color::clipped(color::contrasted(p, mean, f)); });
      } else if (!adjusts_contrast && brightness != 0) {
        view.map([f = chosen.brightness](auto p) { return color::clipped(Brightness::adjust(p, f)); });
      }
    }
  }

  void check(image_extent) const {
    detail::check_probability("intensity_jitter", probability);
    expects(brightness >= 0 && contrast >= 0, "intensity_jitter: strengths (", brightness, ", ", contrast,
            ") must not be negative");
  }
};

}  // namespace pretext::inline v0_1
