#include "rendering.hpp"

#include <doctest/doctest.h>

using namespace pretext;
using namespace pretext_tests;

namespace {

// The definition of a blur: a two-dimensional sum over all taps, in double precision.
std::vector<double> blurred(const float_image& image, double sigma, int radius, padding border) {
  const int height = static_cast<int>(image.height), width = static_cast<int>(image.width);
  std::vector<double> weight;
  double sum = 0;
  for (int k = -radius; k <= radius; ++k) sum += weight.emplace_back(std::exp(-k * k / (2 * sigma * sigma)));
  const auto mirrored = [](int i, int n) { return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i; };
  std::vector<double> out(image.pixels.size());
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int dy = -radius; dy <= radius; ++dy)
        for (int dx = -radius; dx <= radius; ++dx) {
          int row = y + dy, column = x + dx;
          if (border == padding::reflect) row = mirrored(row, height), column = mirrored(column, width);
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          for (int c = 0; c < 3; ++c)
            out[static_cast<std::size_t>((y * width + x) * 3 + c)] +=
                weight[static_cast<std::size_t>(dy + radius)] *
                weight[static_cast<std::size_t>(dx + radius)] / (sum * sum) *
                static_cast<double>(image.pixels[static_cast<std::size_t>((row * width + column) * 3 + c)]);
        }
  return out;
}

}  // namespace

TEST_CASE("the taps of a blur have their reference values") {
  const auto check = [](float sigma, std::size_t radius, std::initializer_list<double> from_centre) {
    const filter_taps taps = gaussian_taps(sigma, radius);
    CHECK(taps.radius == radius);
    std::size_t k = 0;
    for (double weight : from_centre) CHECK(std::fabs(taps.weight[k++] - weight) < 6e-7);
  };
  check(.1f, 1, {1, 0});
  check(.5f, 1, {.786986, .106507});
  check(1, 1, {.451863, .274069});
  check(2, 1, {.361664, .319168});
  check(
      2, 11,
      {.199471, .176033, .120985, .064759, .026995, .008764, .002216, .000436, .000067, .000008, .000001, 0});
}

TEST_CASE("the default radius is a twentieth of the view, as in SimCLR and BYOL") {
  CHECK(gaussian_blur{}.radius({224, 224}) == 11);
  CHECK(gaussian_blur{}.radius({128, 128}) == 6);
  CHECK(gaussian_blur{}.radius({32, 32}) == 1);
  CHECK(gaussian_blur{}.radius({9, 9}) == 0);
  CHECK(gaussian_blur{.taps = 23}.radius({32, 32}) == 11);
}

TEST_CASE("a blur is the sum over all taps, with zeros or mirrored pixels beyond the border") {
  for (padding border : {padding::zeros, padding::reflect})
    for (float sigma : {.1f, .4f, 1.f, 2.f, 3.f})
      for (std::size_t taps : {3u, 5u, 7u, 9u, 11u, 23u}) {
        const float_image image = random_floats(13, 17, 3, taps);
        const gaussian_blur blur{.taps = taps, .border = border};
        const auto expected = blurred(image, static_cast<double>(sigma), static_cast<int>(taps / 2), border);
        CHECK(largest_difference(apply(blur, {sigma}, image), expected) < 1e-6);
      }
}

TEST_CASE("sigma 0, or a single tap, does not change the view") {
  const float_image image = random_floats(8, 8, 3, 3);
  CHECK(largest_difference(apply(gaussian_blur{.taps = 5}, {0}, image), image.pixels) == 0);
  CHECK(largest_difference(apply(gaussian_blur{}, {1.5f}, image), image.pixels) == 0);
}

TEST_CASE("half of SimCLR's views are blurred, with sigma uniform between .1 and 2") {
  constexpr std::size_t draws = 20000;
  double sum = 0, count = 0;
  float lowest = 9, highest = 0;
  for (std::uint64_t sample = 0; sample < draws; ++sample) {
    const float sigma = gaussian_blur{}.choose(random_draws{random_key{.sample = sample}, 524}, {}, {}).sigma;
    if (sigma == 0) continue;
    ++count;
    sum += static_cast<double>(sigma);
    lowest = std::min(lowest, sigma);
    highest = std::max(highest, sigma);
  }
  CHECK(count / draws == doctest::Approx(.5).epsilon(.03));
  CHECK(sum / count == doctest::Approx(1.05).epsilon(.02));
  CHECK(lowest >= .1f);
  CHECK(lowest < .11f);
  CHECK(highest < 2);
  CHECK(highest > 1.99f);
}
