#pragma once
#include <cmath>

#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1 {

/// One pixel with channels in [0, 1].
struct rgb {
  float r, g, b;
  friend constexpr bool operator==(const rgb&, const rgb&) = default;
};

/// The colour operations on one pixel, shared by all devices. No arm of a `?:` computes anything, because
/// compilers vectorise a loop over pixels only if no branch skips arithmetic, which might trap.
namespace color {

/// The smaller of two values.
PRETEXT_HOST_DEVICE constexpr float smaller(float a, float b) { return a < b ? a : b; }
/// The larger of two values.
PRETEXT_HOST_DEVICE constexpr float larger(float a, float b) { return a > b ? a : b; }

/// Replaces a colour range of zero as a divisor; the quotient is then multiplied by zero.
inline constexpr float smallest_range = 1e-30f;

/// x clipped to [0, 1].
PRETEXT_HOST_DEVICE constexpr float clipped(float x) { return smaller(larger(x, 0.f), 1.f); }
PRETEXT_HOST_DEVICE constexpr rgb clipped(rgb p) { return {clipped(p.r), clipped(p.g), clipped(p.b)}; }

/// .2989 R + .587 G + .114 B (ITU-R 601-2, as torchvision, TensorFlow and BYOL round it).
PRETEXT_HOST_DEVICE constexpr float luminance(rgb p) { return .2989f * p.r + .587f * p.g + .114f * p.b; }

/// x if x < threshold, else 1 − x.
PRETEXT_HOST_DEVICE constexpr float solarized(float x, float threshold) {
  return (x < threshold ? 0.f : 1.f) + (x < threshold ? 1.f : -1.f) * x;
}

/// x + δ.
PRETEXT_HOST_DEVICE constexpr rgb brightened(rgb p, float delta) {
  return {p.r + delta, p.g + delta, p.b + delta};
}
/// x · f.
PRETEXT_HOST_DEVICE constexpr rgb scaled(rgb p, float factor) {
  return {p.r * factor, p.g * factor, p.b * factor};
}
/// (x − μ) f + μ.
PRETEXT_HOST_DEVICE constexpr rgb contrasted(rgb p, rgb mean, float factor) {
  return {(p.r - mean.r) * factor + mean.r, (p.g - mean.g) * factor + mean.g,
          (p.b - mean.b) * factor + mean.b};
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
