// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>

#include <pretext/augment/flip.hpp>
#include <pretext/kernels/image/color.hpp>

namespace pretext::inline v0_1 {

/// Replaces all three channels of RGB by the luminance.
struct grayscale {
  float probability = .2f;

  static constexpr bool needs_unit_range = true;
  static constexpr std::uint32_t stream_id = streams::grayscale.first, stream_size = streams::grayscale.size;
  using choice = bool;

  PRETEXT_HOST_DEVICE bool choose(const auto& draws, image_extent, image_extent) const {
    return draws.bernoulli(0, probability);
  }
  template <class View>
  PRETEXT_HOST_DEVICE void apply(bool gray, View& view) const {
    static_assert(View::channels == 3,
                  "pretext::grayscale: a luminance needs RGB views; leave this operation out.");
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

  static constexpr bool needs_unit_range = true;
  static constexpr std::uint32_t stream_id = streams::solarize.first, stream_size = streams::solarize.size;
  using choice = bool;

  PRETEXT_HOST_DEVICE bool choose(const auto& draws, image_extent, image_extent) const {
    return draws.bernoulli(0, probability);
  }
  template <class View>
  PRETEXT_HOST_DEVICE void apply(bool solarized, View& view) const {
    if (!solarized) return;
    view.map([limit = threshold](auto p) {
      return each_channel(p, [limit](float x) { return color::solarized(x, limit); });
    });
  }
  void check(image_extent) const { detail::check_probability("solarize", probability); }
};

namespace detail {
/// ImageNet's statistics for RGB; for other channels none, which changes nothing.
template <std::size_t Channels>
inline constexpr pixel<Channels> default_mean = uniform_pixel<Channels>(0);
template <std::size_t Channels>
inline constexpr pixel<Channels> default_deviation = uniform_pixel<Channels>(1);
template <>
inline constexpr rgb default_mean<3>{.485f, .456f, .406f};
template <>
inline constexpr rgb default_deviation<3>{.229f, .224f, .225f};
}  // namespace detail

/// (x − mean) / deviation in each channel. SimCLR's official code does not normalise.
template <std::size_t Channels>
struct basic_normalise {
  static constexpr std::size_t channels = Channels;
  pixel<Channels> mean = detail::default_mean<Channels>;            ///< of RGB: ImageNet's; else 0
  pixel<Channels> deviation = detail::default_deviation<Channels>;  ///< of RGB: ImageNet's; else 1

  static constexpr bool leaves_unit_range = true;
  static constexpr std::uint32_t stream_id = 0, stream_size = 0;
  struct choice {};

  PRETEXT_HOST_DEVICE choice choose(const random_draws&, image_extent, image_extent) const { return {}; }
  template <class View>
  PRETEXT_HOST_DEVICE void apply(choice, View& view) const {
    static_assert(
        View::channels == Channels,
        "pretext::normalise: the views have another number of channels than this mean and deviation; "
        "use basic_normalise<Channels>.");
    const auto inverse = each_channel(deviation, [](float x) { return 1 / x; });
    view.map([inverse, centre = mean](const pixel<Channels>& p) {
      const auto centred = each_channel(p, centre, [](float x, float m) { return x - m; });
      return each_channel(centred, inverse, [](float x, float factor) { return x * factor; });
    });
  }
  void check(image_extent) const {
    [this]<std::size_t... C>(std::index_sequence<C...>) {
      const auto in_range = [](std::size_t channel, float centre, float spread) {
        expects(0 <= centre && centre <= 1, "normalise: the mean of channel ", channel,
                " must be in [0, 1], not ", centre, "; divide figures of 8-bit pixels by 255");
        expects(0 < spread && spread <= 1, "normalise: the deviation of channel ", channel,
                " must be positive and at most 1, not ", spread, "; divide figures of 8-bit pixels by 255");
      };
      (in_range(C, channel_of<C>(mean), channel_of<C>(deviation)), ...);
    }
    (std::make_index_sequence<Channels>{});
  }

  friend constexpr bool operator==(const basic_normalise&, const basic_normalise&) = default;
};
/// The normalisation of RGB, by default with ImageNet's values.
using normalise = basic_normalise<3>;

}  // namespace pretext::inline v0_1
