#include "rendering.hpp"

#include <doctest/doctest.h>
#include <cmath>

#include <pretext/augment/random_erasing.hpp>

using namespace pretext;
using namespace pretext_tests;
using doctest::Approx;

namespace {
random_erasing::choice draw(const random_erasing& erasing, std::uint64_t sample,
                            image_extent view = {32, 32}) {
  return erasing.choose(
      random_draws{random_key{.seed = 3, .epoch = 1, .sample = sample}, random_erasing::stream_id}, view,
      view);
}
}  // namespace

TEST_CASE("a quarter of the views loses a box of 2 % to 33 % with a ratio of .3 to 3.3, inside the view") {
  std::size_t erased = 0;
  double log_ratio = 0, covered = 0;
  for (std::uint64_t i = 0; i < 8000; ++i) {
    const crop_box box = draw({}, i, {64, 64}).box;
    if (box.height == 0) continue;
    ++erased;
    CHECK((0 <= box.top && 0 <= box.left && box.top + box.height <= 64 && box.left + box.width <= 64));
    CHECK((box.height < 64 && box.width < 64));
    const double h = static_cast<double>(box.height), w = static_cast<double>(box.width);
    CHECK(h * w / 4096 > .02 - 1.1 / 64);
    CHECK(h * w / 4096 < 1. / 3 + 1.1 / 64);
    log_ratio += std::log(h / w);
    covered += h * w / 4096;
  }
  CHECK(static_cast<double>(erased) == Approx(2000).epsilon(.06));
  CHECK(log_ratio / static_cast<double>(erased) == Approx(0).epsilon(.06).scale(1));
  CHECK(covered / static_cast<double>(erased) == Approx((.02 + 1. / 3) / 2).epsilon(.06));
}

TEST_CASE("the box is independent noise of mean 0 and variance 1, and the rest of the view does not change") {
  const auto picture = random_floats(48, 48, 3, 5);
  random_erasing::choice chosen{{4, 6, 36, 30}, random_key{.seed = 3, .sample = 8, .view = 64}};
  const auto view = apply(random_erasing{}, chosen, picture);
  double sum[3]{}, squares = 0, neighbours = 0;
  for (std::size_t y = 0; y < 48; ++y)
    for (std::size_t x = 0; x < 48; ++x)
      for (std::size_t c = 0; c < 3; ++c) {
        const std::size_t at = (y * 48 + x) * 3 + c;
        const bool inside = y >= 4 && y < 40 && x >= 6 && x < 36;
        if (!inside) {
          CHECK(view[at] == picture.pixels[at]);
          continue;
        }
        sum[c] += static_cast<double>(view[at]);
        squares += static_cast<double>(view[at]) * static_cast<double>(view[at]);
        if (x + 1 < 36) neighbours += static_cast<double>(view[at]) * static_cast<double>(view[at + 3]);
      }
  const double count = 36 * 30;
  for (const double each : sum) CHECK(each / count == Approx(0).epsilon(.08).scale(1));
  CHECK(squares / (3 * count) == Approx(1).epsilon(.06));
  CHECK(neighbours / (3 * count) == Approx(0).epsilon(.06).scale(1));
}

TEST_CASE("erasing depends on the key alone; different views and samples are erased differently") {
  const auto picture = random_floats(32, 32, 3, 5);
  const random_erasing always{.probability = 1};
  const auto one = apply(always, draw(always, 1), picture);
  CHECK(one == apply(always, draw(always, 1), picture));
  CHECK(one != apply(always, draw(always, 2), picture));
  CHECK(draw({.probability = 0}, 1).box == crop_box{});
  CHECK(largest_difference(apply(always, {}, picture), picture.pixels) == 0);
}

TEST_CASE("a box that never fits erases nothing, and hyper-parameters out of range are refused") {
  CHECK(draw({.probability = 1, .area = {.9f, 1}, .ratio = {8, 9}}, 1).box == crop_box{});
  CHECK_THROWS_WITH_AS((random_erasing{.probability = 2}.check({})), doctest::Contains("probability"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((random_erasing{.area = {0, 1}}.check({})), doctest::Contains("area"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((random_erasing{.ratio = {2, 1}}.check({})), doctest::Contains("ratio"),
                       std::invalid_argument);
}
