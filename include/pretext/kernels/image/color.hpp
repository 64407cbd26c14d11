#pragma once
#include <cmath>

#include <pretext/core/host_device.hpp>

namespace pretext {

/// One pixel; light in [0, 1].
struct rgb {
  float r, g, b;
  friend constexpr bool operator==(const rgb&, const rgb&) = default;
};

/// What the colour operations do to one pixel. No arm of a `?:` computes anything: only so do compilers make
/// vectors of loops over pixels, since arithmetic that a branch skips might have trapped.
namespace color {

/// The smaller of two values.
PRETEXT_HOST_DEVICE constexpr float smaller(float a, float b) { return a < b ? a : b; }
/// The larger of two values.
PRETEXT_HOST_DEVICE constexpr float larger(float a, float b) { return a > b ? a : b; }

/// Stands in for a colour range of zero, where what it divides is multiplied by zero.
inline constexpr float darkest = 1e-30f;

/// Into [0, 1].
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

/// HSV with S ← min(f S, 1). With H and V held, V − x is proportional to S, so no hue is needed.
PRETEXT_HOST_DEVICE constexpr rgb saturated(rgb p, float factor) {
  const float value = larger(larger(p.r, p.g), p.b);
  const float range = value - smaller(smaller(p.r, p.g), p.b);
  const float ratio = smaller(factor, value / larger(range, darkest));
  return {value - (value - p.r) * ratio, value - (value - p.g) * ratio, value - (value - p.b) * ratio};
}

/// HSV with H ← (H + turn) mod 1, turn in [−1, 1], a full circle being 1.
PRETEXT_HOST_DEVICE inline rgb hue_rotated(rgb p, float turn) {
  // Sort so that `first` is the largest; `sector` remembers where the hue is counted from.
  const bool bluer = p.g < p.b;
  const float second = larger(p.g, p.b), last = smaller(p.g, p.b);
  const bool cooler = p.r < second;
  const float first = larger(p.r, second), middle = smaller(p.r, second);
  const float sector = (cooler ? -2.f : 0.f) + (cooler ? 1.f : -1.f) * (bluer ? 6.f : 0.f);
  const float least = smaller(middle, last), range = first - least;
  // A whole turn more keeps the number positive, so that truncation wraps it.
  float sixths = std::fabs(sector + (middle - last) / larger(range, darkest)) + (turn + 1) * 6;
  sixths -= 6 * static_cast<float>(static_cast<int>(sixths * (1.f / 6)));
  const auto channel = [=](float ramp) { return smaller(larger(least + range * ramp, least), first); };
  return {channel(std::fabs(sixths - 3) - 1), channel(2 - std::fabs(sixths - 2)),
          channel(2 - std::fabs(sixths - 4))};
}

}  // namespace color
}  // namespace pretext
