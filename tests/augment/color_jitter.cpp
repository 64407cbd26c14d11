// Tests of color_jitter.hpp and color_ops.hpp, and of the formulas in kernels/image/color.hpp.
#include "rendering.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <cmath>

using namespace pretext;
using namespace pretext_tests;

namespace {

struct hsv {
  double h, s, v;
};

// The textbook's conversion between RGB and HSV, in double precision.
hsv to_hsv(rgb p) {
  const double r = p.r, g = p.g, b = p.b, v = std::max({r, g, b}), range = v - std::min({r, g, b});
  if (range == 0) return {0, 0, v};
  double h = v == r ? (g - b) / range : v == g ? 2 + (b - r) / range : 4 + (r - g) / range;
  h /= 6;
  return {h - std::floor(h), range / v, v};
}

rgb to_rgb(hsv c) {
  const double sixths = c.h * 6, sector = std::floor(sixths), f = sixths - sector;
  const double p = c.v * (1 - c.s), q = c.v * (1 - c.s * f), t = c.v * (1 - c.s * (1 - f)), v = c.v;
  const double table[6][3] = {{v, t, p}, {q, v, p}, {p, v, t}, {p, q, v}, {t, p, v}, {v, p, q}};
  const double* row = table[static_cast<int>(sector) % 6];
  return {static_cast<float>(row[0]), static_cast<float>(row[1]), static_cast<float>(row[2])};
}

double distance(rgb a, rgb b) {
  return std::max({std::fabs(a.r - b.r), std::fabs(a.g - b.g), std::fabs(a.b - b.b)});
}

// All kinds of colors: grays, ties between channels, black, white, and random ones.
template <class Claim>
void for_many_colors(Claim claim) {
  for (float r : {0.f, .2f, .5f, .73f, 1.f})
    for (float g : {0.f, .2f, .5f, .61f, 1.f})
      for (float b : {0.f, .2f, .5f, .88f, 1.f}) claim(rgb{r, g, b});
}

}  // namespace

TEST_CASE("hue rotation is rotation in HSV") {
  CHECK(distance(color::hue_rotated({1, 0, 0}, 1.f / 3), {0, 1, 0}) < 1e-6);
  CHECK(distance(color::hue_rotated({1, 0, 0}, -1.f / 3), {0, 0, 1}) < 1e-6);
  CHECK(distance(color::hue_rotated({.8f, .4f, .2f}, .5f), {.2f, .6f, .8f}) < 1e-6);
  for (float turn : {-1.f, -.5f, -.2f, -.01f, 0.f, .07f, .1f, .3f, .5f, .99f, 1.f})
    for_many_colors([&](rgb p) {
      hsv c = to_hsv(p);
      c.h += static_cast<double>(turn);
      c.h -= std::floor(c.h);
      CHECK(distance(color::hue_rotated(p, turn), to_rgb(c)) < 2e-6);
    });
}

TEST_CASE("saturation multiplies S in HSV and stops at one") {
  CHECK(distance(color::saturated({.8f, .4f, .2f}, .5f), {.8f, .6f, .5f}) < 1e-6);
  CHECK(distance(color::saturated({.8f, .4f, .2f}, 2), {.8f, .8f - 1.6f / 3, 0}) < 1e-6);
  for (float factor : {0.f, .2f, .9f, 1.f, 1.3f, 1.8f, 5.f})
    for_many_colors([&](rgb p) {
      hsv c = to_hsv(p);
      c.s = std::min(1., c.s * static_cast<double>(factor));
      CHECK(distance(color::saturated(p, factor), to_rgb(c)) < 1e-6);
    });
}

TEST_CASE("the pixel formulas of brightness, contrast, gray blending and solarizing") {
  const rgb p{.2f, .4f, .9f};
  CHECK(color::luminance(p) == doctest::Approx(.2989 * .2 + .587 * .4 + .114 * .9));
  CHECK(distance(color::brightened(p, .3f), {.5f, .7f, 1.2f}) < 1e-6);
  CHECK(distance(color::scaled(p, 1.5f), {.3f, .6f, 1.35f}) < 1e-6);
  CHECK(distance(color::contrasted(p, {.5f, .4f, .1f}, 2), {-.1f, .4f, 1.7f}) < 1e-6);
  const float y = color::luminance(p);
  CHECK(distance(color::blended_with_gray(p, .25f), {.05f + .75f * y, .1f + .75f * y, .225f + .75f * y}) <
        1e-6);
  CHECK(color::solarized(.49f, .5f) == .49f);
  CHECK(color::solarized(.5f, .5f) == .5f);
  CHECK(color::solarized(.75f, .5f) == .25f);
  CHECK(color::solarized(1, .5f) == 0);
  CHECK(distance(color::clipped(rgb{-1, .5f, 2}), {0, .5f, 1}) == 0);
}

TEST_CASE("contrast is relative to each channel's mean, or to the mean luminance as in torchvision") {
  const float_image two{1, 2, 3, {.2f, .4f, .5f, .6f, .4f, .7f}};
  const jitter_choice chosen{.jittered = true, .contrast = .5f};
  const auto channels = apply(color_jitter<>{.brightness = 0, .saturation = 0, .hue = 0}, chosen, two);
  CHECK(largest_difference(channels, std::vector{.3f, .4f, .55f, .5f, .4f, .65f}) < 1e-6);
  const float mean = color::luminance({.4f, .4f, .6f}), half = mean / 2;
  const auto gray = apply(torchvision_jitter{.brightness = 0, .saturation = 0, .hue = 0}, chosen, two);
  CHECK(largest_difference(gray, std::vector{.1f + half, .2f + half, .25f + half, .3f + half, .2f + half,
                                             .35f + half}) < 1e-6);
}

TEST_CASE("means over views of any size are exact to rounding") {
  for (std::size_t width : {1u, 7u, 63u, 64u, 65u, 1000u}) {
    const float_image image = random_floats(3, width, 3, width);
    std::vector<float> planes[3], spare;
    double sum[3]{};
    for (std::size_t i = 0; i < image.pixels.size(); ++i) {
      planes[i % 3].push_back(image.pixels[i]);
      sum[i % 3] += static_cast<double>(image.pixels[i]);
    }
    const kernels::planar_view view{
        {3, width}, planes[0].data(), planes[1].data(), planes[2].data(), nullptr};
    const rgb mean = view.mean([](rgb p) { return p; });
    const double count = static_cast<double>(3 * width);
    CHECK(std::fabs(mean.r - sum[0] / count) < 1e-6);
    CHECK(std::fabs(mean.g - sum[1] / count) < 1e-6);
    CHECK(std::fabs(mean.b - sum[2] / count) < 1e-6);
  }
}

TEST_CASE("a jitter clips after each of its operations, in the order that was drawn") {
  const float_image one{1, 1, 3, {.9f, .5f, .5f}};
  jitter_choice chosen{.jittered = true, .brightness = .5f, .contrast = 1, .saturation = .5f, .hue = 0};
  const color_jitter<> jitter{};
  // Brightness first: (1, 1, 1), gray; so saturation does nothing.
  CHECK(largest_difference(apply(jitter, chosen, one), std::vector{1.f, 1.f, 1.f}) < 1e-6);
  // Saturation first: (.9, .7, .7); then brightness: all clipped to one as well.
  std::swap(chosen.order[0], chosen.order[2]);
  chosen.brightness = -.6f;
  CHECK(largest_difference(apply(jitter, chosen, one), std::vector{.3f, .1f, .1f}) < 1e-6);
  // Brightness first: (.3, 0, 0); then half the saturation: (.3, .15, .15).
  std::swap(chosen.order[0], chosen.order[2]);
  CHECK(largest_difference(apply(jitter, chosen, one), std::vector{.3f, .15f, .15f}) < 1e-6);
  chosen.jittered = false;
  CHECK(largest_difference(apply(jitter, chosen, one), one.pixels) == 0);
}

TEST_CASE("grayscale, solarize and normalise follow their formulas") {
  const float_image image = random_floats(5, 6, 3, 1);
  const auto gray = apply(grayscale{}, true, image);
  const auto solarized = apply(solarize{}, true, image);
  const auto normal = apply(normalise{}, {}, image);
  const float mean[]{.485f, .456f, .406f}, deviation[]{.229f, .224f, .225f};
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    const float x = image.pixels[i], *pixel = &image.pixels[i / 3 * 3];
    CHECK(gray[i] == doctest::Approx(.2989f * pixel[0] + .587f * pixel[1] + .114f * pixel[2]));
    CHECK(solarized[i] == doctest::Approx(x < .5f ? x : 1 - x));
    CHECK(normal[i] == doctest::Approx((x - mean[i % 3]) / deviation[i % 3]).epsilon(1e-5));
  }
  CHECK(largest_difference(apply(grayscale{}, false, image), image.pixels) == 0);
  CHECK(largest_difference(apply(solarize{}, false, image), image.pixels) == 0);
}
