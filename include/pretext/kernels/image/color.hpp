// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <type_traits>

#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1 {

/// One pixel of a view of `Channels` channels, in [0, 1] unless normalised.
template <std::size_t Channels>
struct pixel {
  float channel[Channels];
  friend constexpr bool operator==(const pixel&, const pixel&) = default;
};

/// The channels of a colour have names.
template <>
struct pixel<3> {
  float r, g, b;
  friend constexpr bool operator==(const pixel&, const pixel&) = default;
};
/// One pixel of three channels.
using rgb = pixel<3>;

/// The channel with index `Channel`.
template <std::size_t Channel, std::size_t Channels>
PRETEXT_HOST_DEVICE constexpr float channel_of(const pixel<Channels>& p) {
  static_assert(Channel < Channels);
  if constexpr (Channels == 3)
    return Channel == 0 ? p.r : Channel == 1 ? p.g : p.b;
  else
    return p.channel[Channel];
}

/// f of each channel.
template <std::size_t Channels, class F>
PRETEXT_HOST_DEVICE constexpr pixel<Channels> each_channel(const pixel<Channels>& p, F f) {
  if constexpr (Channels == 3) {
    return {f(p.r), f(p.g), f(p.b)};
  } else {
    pixel<Channels> all{};
    for (std::size_t c = 0; c < Channels; ++c) all.channel[c] = f(p.channel[c]);
    return all;
  }
}
/// f of each pair of channels.
template <std::size_t Channels, class F>
PRETEXT_HOST_DEVICE constexpr pixel<Channels> each_channel(const pixel<Channels>& p, const pixel<Channels>& q,
                                                           F f) {
  if constexpr (Channels == 3) {
    return {f(p.r, q.r), f(p.g, q.g), f(p.b, q.b)};
  } else {
    pixel<Channels> all{};
    for (std::size_t c = 0; c < Channels; ++c) all.channel[c] = f(p.channel[c], q.channel[c]);
    return all;
  }
}

/// The pixel whose channels all have one value.
template <std::size_t Channels>
PRETEXT_HOST_DEVICE constexpr pixel<Channels> uniform_pixel(float value) {
  return each_channel(pixel<Channels>{}, [value](float) { return value; });
}

namespace detail {
/// Reports an operation on RGB pixels that is applied to views of other channels in one sentence.
template <class F, std::size_t Channels>
PRETEXT_HOST_DEVICE constexpr void require_pixels() {
  static_assert(std::is_invocable_v<F&, pixel<Channels>>,
                "pretext: an operation of this augmentation is for RGB pixels, and the views have another "
                "number of channels; leave it out, or write its function for any pixel<Channels>.");
}
}  // namespace detail

/// The operations on one pixel, shared by all devices; those of hue and saturation are for RGB. No arm of a
/// `?:` computes anything, because compilers vectorise a loop over pixels only if no branch skips arithmetic,
/// which might trap.
namespace color {

/// The smaller of two values.
PRETEXT_HOST_DEVICE constexpr float smaller(float a, float b) { return a < b ? a : b; }
/// The larger of two values.
PRETEXT_HOST_DEVICE constexpr float larger(float a, float b) { return a > b ? a : b; }

/// Replaces a colour range of zero as a divisor; the quotient is then multiplied by zero.
inline constexpr float smallest_range = 1e-30f;

/// x clipped to [0, 1].
PRETEXT_HOST_DEVICE constexpr float clipped(float x) { return smaller(larger(x, 0.f), 1.f); }
template <std::size_t Channels>
PRETEXT_HOST_DEVICE constexpr pixel<Channels> clipped(pixel<Channels> p) {
  return each_channel(p, [](float x) { return clipped(x); });
}

/// .2989 R + .587 G + .114 B (ITU-R 601-2, as torchvision, TensorFlow and BYOL round it).
PRETEXT_HOST_DEVICE constexpr float luminance(rgb p) { return .2989f * p.r + .587f * p.g + .114f * p.b; }

/// x if x < threshold, else 1 − x.
PRETEXT_HOST_DEVICE constexpr float solarized(float x, float threshold) {
  return (x < threshold ? 0.f : 1.f) + (x < threshold ? 1.f : -1.f) * x;
}

/// x + δ.
template <std::size_t Channels>
PRETEXT_HOST_DEVICE constexpr pixel<Channels> brightened(pixel<Channels> p, float delta) {
  return each_channel(p, [delta](float x) { return x + delta; });
}
/// x · f.
template <std::size_t Channels>
PRETEXT_HOST_DEVICE constexpr pixel<Channels> scaled(pixel<Channels> p, float factor) {
  return each_channel(p, [factor](float x) { return x * factor; });
}
/// (x − μ) f + μ.
template <std::size_t Channels>
PRETEXT_HOST_DEVICE constexpr pixel<Channels> contrasted(pixel<Channels> p, pixel<Channels> mean,
                                                         float factor) {
  return each_channel(p, mean, [factor](float x, float m) { return (x - m) * factor + m; });
}
/// f x + (1 − f) luminance(x).
PRETEXT_HOST_DEVICE constexpr rgb blended_with_gray(rgb p, float factor) {
  const float gray = luminance(p) * (1 - factor);
  return {p.r * factor + gray, p.g * factor + gray, p.b * factor + gray};
}

/// HSV with S ← min(f S, 1). With constant H and V, V − x is proportional to S, so the hue is not computed.
PRETEXT_HOST_DEVICE constexpr rgb saturated(rgb p, float factor) {
  const float value = larger(larger(p.r, p.g), p.b);
  const float range = value - smaller(smaller(p.r, p.g), p.b);
  const float ratio = smaller(factor, value / larger(range, smallest_range));
  return {value - (value - p.r) * ratio, value - (value - p.g) * ratio, value - (value - p.b) * ratio};
}

/// HSV with H ← (H + turn) mod 1, turn in [−1, 1], where 1 is a full circle.
PRETEXT_HOST_DEVICE inline rgb hue_rotated(rgb p, float turn) {
  // Sorted so that `first` is the largest channel; `sector` is the hue, in sixths, that the offset is counted
  // from.
  const bool bluer = p.g < p.b;
  const float second = larger(p.g, p.b), last = smaller(p.g, p.b);
  const bool cooler = p.r < second;
  const float first = larger(p.r, second), middle = smaller(p.r, second);
  const float sector = (cooler ? -2.f : 0.f) + (cooler ? 1.f : -1.f) * (bluer ? 6.f : 0.f);
  const float least = smaller(middle, last), range = first - least;
  // One more turn makes the hue positive, so that truncation wraps it.
  float sixths = std::fabs(sector + (middle - last) / larger(range, smallest_range)) + (turn + 1) * 6;
  sixths -= 6 * static_cast<float>(static_cast<int>(sixths * (1.f / 6)));
  const auto channel = [=](float ramp) { return smaller(larger(least + range * ramp, least), first); };
  return {channel(std::fabs(sixths - 3) - 1), channel(2 - std::fabs(sixths - 2)),
          channel(2 - std::fabs(sixths - 4))};
}

}  // namespace color
}  // namespace pretext::inline v0_1
