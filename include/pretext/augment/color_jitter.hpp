// SPDX-License-Identifier: MIT
#pragma once
// TensorFlow and torchvision give the same names to different formulas. Brightness, contrast and saturation
// are therefore policies, so that either jitter can be composed. Brightness and contrast exist for any
// channels.
#include <pretext/augment/flip.hpp>
#include <pretext/kernels/image/color.hpp>

namespace pretext::inline v0_1 {

/// x + δ, δ ~ U(−s, s): TensorFlow, SimCLR's paper, BYOL.
struct additive_brightness {
  PRETEXT_HOST_DEVICE static constexpr value_range range(float s) { return {-s, s}; }
  PRETEXT_HOST_DEVICE static constexpr auto adjust(const auto& p, float delta) {
    return color::brightened(p, delta);
  }
};
/// x f, f ~ U(max(1 − s, 0), 1 + s): torchvision, SimCLR's repository by default.
struct multiplicative_brightness {
  PRETEXT_HOST_DEVICE static constexpr value_range range(float s) {
    return {color::larger(1 - s, 0.f), 1 + s};
  }
  PRETEXT_HOST_DEVICE static constexpr auto adjust(const auto& p, float factor) {
    return color::scaled(p, factor);
  }
};

/// Contrast about each channel's own mean: TensorFlow, SimCLR, BYOL.
struct channel_mean_contrast {
  PRETEXT_HOST_DEVICE static constexpr auto about(const auto& p) { return p; }
};
/// Contrast about the mean luminance of RGB: torchvision.
struct gray_mean_contrast {
  PRETEXT_HOST_DEVICE static constexpr rgb about(rgb p) {
    const float y = color::luminance(p);
    return {y, y, y};
  }
};

/// Saturation multiplied in HSV: TensorFlow, SimCLR, BYOL.
struct hsv_saturation {
  PRETEXT_HOST_DEVICE static constexpr rgb adjust(rgb p, float factor) { return color::saturated(p, factor); }
};
/// Interpolated between the luminance (factor 0) and the pixel (1), or extrapolated beyond: torchvision.
struct gray_blend_saturation {
  PRETEXT_HOST_DEVICE static constexpr rgb adjust(rgb p, float factor) {
    return color::blended_with_gray(p, factor);
  }
};

/// The four operations of `color_jitter`.
enum class jitter_step : std::uint8_t { brightness, contrast, saturation, hue };

/// One choice of `color_jitter`.
struct jitter_choice {
  bool jittered = false;
  jitter_step order[4]{jitter_step::brightness, jitter_step::contrast, jitter_step::saturation,
                       jitter_step::hue};
  float brightness = 0;  ///< δ or f
  float contrast = 1;    ///< f
  float saturation = 1;  ///< f
  float hue = 0;         ///< in turns of the color circle
};

/// Brightness, contrast, saturation and hue of RGB in uniformly random order, clipped to [0, 1] after each
/// (SimCLR App. A). The members are strengths s ≥ 0: f ~ U(max(1 − s, 0), 1 + s), hue ~ U(−s, s) in turns of
/// the color circle, s ≤ 0.5. A strength of 0 skips its operation. For other channels there is
/// `intensity_jitter`.
template <class Brightness = additive_brightness, class Contrast = channel_mean_contrast,
          class Saturation = hsv_saturation>
struct color_jitter {
  float brightness = .8f, contrast = .8f, saturation = .8f, hue = .2f;
  float probability = .8f;

  static constexpr bool needs_unit_range = true;
  static constexpr std::uint32_t stream_id = streams::color_jitter.first,
                                 stream_size = streams::color_jitter.size;
  using choice = jitter_choice;

  PRETEXT_HOST_DEVICE jitter_choice choose(const auto& draws, image_extent, image_extent) const {
    jitter_choice chosen;
    chosen.jittered = draws.bernoulli(0, probability);
    if (!chosen.jittered) return chosen;
    std::uint32_t permutation = draws.uniform_int(1, 24);
    std::uint32_t order = 0x03020100;  // a step per byte: registers of a GPU have no addresses
    for (std::uint32_t left = 4; left > 1; --left) {
      const std::uint32_t pick = 8 * (permutation % left), last = 8 * (left - 1);
      permutation /= left;
      const std::uint32_t differ = (order >> pick ^ order >> last) & 0xFF;
      order ^= differ << pick ^ differ << last;
    }
    for (std::uint32_t i = 0; i < 4; ++i) chosen.order[i] = static_cast<jitter_step>(order >> 8 * i & 0xFF);
    const auto factor = [](float s) { return value_range{color::larger(1 - s, 0.f), 1 + s}; };
    chosen.brightness = draws.uniform(2, Brightness::range(brightness));
    chosen.contrast = draws.uniform(3, factor(contrast));
    chosen.saturation = draws.uniform(4, factor(saturation));
    chosen.hue = draws.uniform(5, value_range{-hue, hue});
    return chosen;
  }

  template <class View>
  PRETEXT_HOST_DEVICE void apply(const jitter_choice& chosen, View& view) const {
    static_assert(
        View::channels == 3,
        "pretext::color_jitter: hue and saturation need RGB views; use intensity_jitter, which changes "
        "brightness and contrast of any channels.");
    if (!chosen.jittered) return;
    for (const jitter_step step : chosen.order) switch (step) {
        case jitter_step::brightness:
          if (brightness != 0)
            view.map([f = chosen.brightness](rgb p) { return color::clipped(Brightness::adjust(p, f)); });
          break;
        case jitter_step::contrast:
          if (contrast != 0) {
            const rgb mean = view.mean([](rgb p) { return Contrast::about(p); });
            view.map(
                [f = chosen.contrast, mean](rgb p) { return color::clipped(color::contrasted(p, mean, f)); });
          }
          break;
        case jitter_step::saturation:
          if (saturation != 0)
            view.map([f = chosen.saturation](rgb p) { return color::clipped(Saturation::adjust(p, f)); });
          break;
        case jitter_step::hue:
          if (hue != 0)
            view.map([f = chosen.hue](rgb p) { return color::clipped(color::hue_rotated(p, f)); });
          break;
      }
  }

  void check(image_extent) const {
    detail::check_probability("color_jitter", probability);
    expects(brightness >= 0 && contrast >= 0 && saturation >= 0, "color_jitter: strengths (", brightness,
            ", ", contrast, ", ", saturation, ") must not be negative");
    expects(0 <= hue && hue <= .5f, "color_jitter: hue ", hue, " must lie within [0, 0.5], a half turn");
  }
};

/// The formulas of torchvision's ColorJitter on float tensors.
using torchvision_jitter = color_jitter<multiplicative_brightness, gray_mean_contrast, gray_blend_saturation>;

}  // namespace pretext::inline v0_1
