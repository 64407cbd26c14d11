// Tests of rand_augment.hpp, and of its operations in photometry.hpp and map_pixels.hpp.
#include "rendering.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>

#include <pretext/augment/rand_augment.hpp>

#include "support/reference.hpp"

using namespace pretext;
using namespace pretext_tests;
using doctest::Approx;

namespace {

const std::array<std::string, rand_operations> names{"AutoContrast",
                                                     "Equalize",
                                                     "Invert",
                                                     "Rotate",
                                                     "PosterizeIncreasing",
                                                     "SolarizeIncreasing",
                                                     "SolarizeAdd",
                                                     "ColorIncreasing",
                                                     "ContrastIncreasing",
                                                     "BrightnessIncreasing",
                                                     "SharpnessIncreasing",
                                                     "ShearX",
                                                     "ShearY",
                                                     "TranslateXRel",
                                                     "TranslateYRel"};

rand_operation operation(const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  REQUIRE(found != names.end());
  return static_cast<rand_operation>(found - names.begin());
}

/// One operation on an image that keeps its size.
template <class Image>
std::vector<float> once(rand_operation what, float argument, const Image& image) {
  rand_augment::choice chosen{};
  chosen.layer[0] = {true, what, argument};
  return apply(rand_augment{}, chosen, image);
}

float_image row(std::vector<float> pixels) {
  const std::size_t width = pixels.size() / 3;
  return {1, width, 3, std::move(pixels)};
}

}  // namespace

TEST_CASE("every operation is timm's and PIL's, at several magnitudes and in both directions") {
  const safetensors file = tests::reference("rand_augment");
  CHECK(tests::hyper_parameter(file, "operations").get<std::vector<std::string>>() ==
        std::vector<std::string>(names.begin(), names.end()));
  const auto fill = tests::hyper_parameter(file, "fill").get<std::vector<float>>();
  const rand_augment defaults{};
  CHECK(defaults.fill == rgb{fill.at(0) / 255, fill.at(1) / 255, fill.at(2) / 255});

  const safetensor& input = file.at("input");
  const std::size_t height = input.shape.at(1), width = input.shape.at(2), size = height * width * 3;
  const auto pixels = input.as<float>();
  std::map<std::string, int> seen;
  for (const auto& each : file.tensors) {
    const std::string& key = each.first;
    const safetensor& tensor = each.second;
    if (key == "input") continue;
    CAPTURE(key);
    const auto first = key.find(':'), second = key.rfind(':');
    const std::string name = key.substr(0, first);
    ++seen[name];
    const double magnitude = std::stod(key.substr(first + 1, second - first - 1));
    const rand_operation what = operation(name);
    const float argument = rand_augment::argument_of(what, magnitude, key.substr(second + 1) == "-1");
    const auto expected = tensor.as<float>();
    // PIL computes on levels: it rounds the result of a blend and truncates that of a transform.
    const bool exact = what <= rand_operation::invert || what == rand_operation::posterize ||
                       what == rand_operation::solarize || what == rand_operation::solarize_add;
    for (std::size_t i = 0; i < input.shape.at(0); ++i) {
      image from{height, width, 3, std::vector<std::uint8_t>(size)};
      for (std::size_t at = 0; at < size; ++at)
        from.pixels[at] = static_cast<std::uint8_t>(pixels[i * size + at]);
      const auto found = once(what, argument, from);
      double worst = 0, sum = 0;
      for (std::size_t at = 0; at < size; ++at) {
        const double apart =
            std::abs(255 * static_cast<double>(found[at]) - static_cast<double>(expected[i * size + at]));
        worst = std::max(worst, apart);
        sum += apart;
      }
      CHECK(worst < (what == rand_operation::auto_contrast ? 1 : exact ? 1e-3 : 1.5));
      CHECK(sum / static_cast<double>(size) < .7);
    }
  }
  CHECK(seen.size() == rand_operations);
}

TEST_CASE("operations on levels agree with tables computed by hand") {
  const auto x = row({.1f, .2f, .3f, .5f, .5f, .5f, .9f, .4f, .8f});
  const auto level = [](float v) { return std::floor(v * 255 + .5f) / 255; };
  const auto stretched = once(rand_operation::auto_contrast, 0, x);
  for (std::size_t i = 0; i < 9; ++i) {
    const float low = level(x.pixels[i % 3]),
                high = level(std::max({x.pixels[i % 3], x.pixels[3 + i % 3], x.pixels[6 + i % 3]}));
    CHECK(stretched[i] == Approx(color::clipped((x.pixels[i] - low) / (high - low))).epsilon(1e-5));
  }
  CHECK(largest_difference(once(rand_operation::invert, 0, x),
                           std::vector{.9f, .8f, .7f, .5f, .5f, .5f, .1f, .6f, .2f}) < 1e-6);
  // 25, 51, 77, 128, 230, 102, 204 of 255; two bits leave multiples of 64.
  const auto two = once(rand_operation::posterize, 2, x);
  CHECK(largest_difference(two, std::vector{0.f, 0.f, 64.f / 255, 128.f / 255, 128.f / 255, 128.f / 255,
                                            192.f / 255, 64.f / 255, 192.f / 255}) < 1e-6);
  CHECK(largest_difference(once(rand_operation::posterize, 0, x), std::vector<float>(9)) == 0);
  const auto solar = once(rand_operation::solarize, 128, x);
  CHECK(largest_difference(solar, std::vector{.1f, .2f, .3f, .5f, .5f, .5f, .1f, .4f, .2f}) < 1e-6);
  CHECK(largest_difference(once(rand_operation::solarize, 256, x), x.pixels) < 1e-6);
  const auto added = once(rand_operation::solarize_add, 51, x);
  CHECK(largest_difference(added, std::vector{.3f, .4f, .5f, .5f, .5f, .5f, .9f, .6f, .8f}) < 1e-6);
  // One level, or too few pixels to share 255 steps: nothing to equalise.
  CHECK(largest_difference(once(rand_operation::equalize, 0, x),
                           std::vector{26.f / 255, 51.f / 255, 77.f / 255, 128.f / 255, 128.f / 255,
                                       128.f / 255, 230.f / 255, 102.f / 255, 204.f / 255}) < 1e-6);
}

TEST_CASE("equalize makes the levels of every channel equally frequent") {
  float_image ramp{32, 32, 3, std::vector<float>(32 * 32 * 3)};
  for (std::size_t i = 0; i < ramp.pixels.size(); ++i) {
    const float u = random_key{.seed = 4, .sample = i}.uniform(0);
    ramp.pixels[i] = u * u * u;  // most of them dark
  }
  const auto flat = once(rand_operation::equalize, 0, ramp);
  for (std::size_t c = 0; c < 3; ++c) {
    double sum = 0, squares = 0;
    for (std::size_t i = c; i < flat.size(); i += 3) {
      sum += static_cast<double>(flat[i]);
      squares += static_cast<double>(flat[i]) * static_cast<double>(flat[i]);
    }
    CHECK(sum / 1024 == Approx(.5).epsilon(.1));
    CHECK(squares / 1024 == Approx(1. / 3).epsilon(.15));
  }
}

TEST_CASE("a factor of 0 gives gray, 1 the view, and 2 extrapolates") {
  const auto picture = random_floats(5, 7, 3, 1);
  for (const auto what : {rand_operation::color, rand_operation::contrast, rand_operation::brightness,
                          rand_operation::sharpness})
    CHECK(largest_difference(once(what, 1, picture), picture.pixels) < 1e-6);
  const auto gray = once(rand_operation::color, 0, picture),
             flat = once(rand_operation::contrast, 0, picture);
  double mean = 0;
  for (std::size_t i = 0; i < gray.size(); i += 3) {
    const float y = .299f * picture.pixels[i] + .587f * picture.pixels[i + 1] + .114f * picture.pixels[i + 2];
    CHECK(gray[i] == Approx(y).epsilon(1e-5));
    CHECK(gray[i + 2] == Approx(y).epsilon(1e-5));
    mean += static_cast<double>(y) / 35;
  }
  for (const float each : flat)
    CHECK(static_cast<double>(each) == Approx(std::floor(mean * 255 + .5) / 255).epsilon(1e-5));
  const auto bright = once(rand_operation::brightness, 2, picture);
  for (std::size_t i = 0; i < bright.size(); ++i)
    CHECK(bright[i] == Approx(std::min(1.f, 2 * picture.pixels[i])));
  // Sharpness 0 is the smoothed view, except for its border.
  const auto smooth = once(rand_operation::sharpness, 0, picture);
  float sum = 4 * picture.pixels[(2 * 7 + 3) * 3];
  for (std::size_t y = 1; y <= 3; ++y)
    for (std::size_t x = 2; x <= 4; ++x) sum += picture.pixels[(y * 7 + x) * 3];
  CHECK(smooth[(2 * 7 + 3) * 3] == Approx(sum / 13).epsilon(1e-5));
  for (std::size_t x = 0; x < 7 * 3; ++x) CHECK(smooth[x] == picture.pixels[x]);
}

TEST_CASE(
    "geometric operations move pixels by whole steps without changing them, and fill in pixels from "
    "outside") {
  const auto picture = random_floats(6, 10, 3, 2);
  const rgb fill = rand_augment{}.fill;
  const auto at = [&](const std::vector<float>& p, std::size_t y, std::size_t x) {
    return rgb{p[(y * 10 + x) * 3], p[(y * 10 + x) * 3 + 1], p[(y * 10 + x) * 3 + 2]};
  };
  const auto left = once(rand_operation::translate_x, .3f, picture),
             up = once(rand_operation::translate_y, .5f, picture);
  for (std::size_t y = 0; y < 6; ++y)
    for (std::size_t x = 0; x < 10; ++x) {
      const rgb moved = at(left, y, x), raised = at(up, y, x);
      const rgb from = x + 3 < 10 ? at(picture.pixels, y, x + 3) : fill,
                below = y + 3 < 6 ? at(picture.pixels, y + 3, x) : fill;
      CHECK(moved.g == Approx(from.g).epsilon(1e-5));
      CHECK(raised.b == Approx(below.b).epsilon(1e-5));
    }
  // A quarter turn of a square is exact; four of them are none.
  const auto square = random_floats(8, 8, 3, 3);
  auto turned = once(rand_operation::rotate, 90, square);
  CHECK(turned[(0 * 8 + 2) * 3] ==
        Approx(square.pixels[(2 * 8 + 7) * 3]).epsilon(1e-5));  // counter-clockwise
  for (int quarter = 1; quarter < 4; ++quarter)
    turned = once(rand_operation::rotate, 90, float_image{8, 8, 3, turned});
  CHECK(largest_difference(turned, square.pixels) < 1e-5);
  CHECK(largest_difference(once(rand_operation::shear_x, 0, picture), picture.pixels) < 1e-6);
}

TEST_CASE("magnitudes have the arguments of timm's increasing table") {
  using op = rand_operation;
  const auto argument = rand_augment::argument_of;
  CHECK(argument(op::rotate, 9, false) == 27);
  CHECK(argument(op::rotate, 9, true) == -27);
  CHECK(argument(op::posterize, 9, false) == 1);
  CHECK(argument(op::posterize, 10, false) == 0);
  CHECK(argument(op::posterize, 0, false) == 4);
  CHECK(argument(op::solarize, 9, false) == 26);
  CHECK(argument(op::solarize, 0, false) == 256);
  CHECK(argument(op::solarize_add, 9, false) == 99);
  CHECK(argument(op::color, 9, false) == 1.81f);
  CHECK(argument(op::sharpness, 9, true) == .19f);
  CHECK(argument(op::contrast, 10, true) == .1f);
  CHECK(argument(op::shear_y, 10, true) == -.3f);
  CHECK(argument(op::translate_x, 10, false) == .45f);
}

TEST_CASE(
    "every operation is drawn equally often, half are applied, magnitudes are about 9, in both directions") {
  const rand_augment policy{};
  std::size_t count[rand_operations]{}, done = 0, negative = 0, turned = 0;
  double sum = 0, squares = 0;
  constexpr std::size_t views = 6000;
  for (std::size_t i = 0; i < views; ++i) {
    const auto chosen = policy.choose(
        random_draws{random_key{.seed = 6, .sample = i}, rand_augment::stream_id}, {}, {32, 32});
    for (std::size_t layer = 0; layer < 2; ++layer) {
      const auto& each = chosen.layer[layer];
      ++count[static_cast<std::size_t>(each.operation)];
      done += each.applied;
      if (each.operation != rand_operation::rotate) continue;
      const double severity = std::abs(static_cast<double>(each.argument)) / 3;
      ++turned;
      negative += each.argument < 0;
      sum += severity;
      squares += severity * severity;
      CHECK(severity <= 10);
    }
    CHECK_FALSE(chosen.layer[2].applied);
  }
  for (const std::size_t each : count)
    CHECK(static_cast<double>(each) == Approx(2 * views / 15.).epsilon(.12));
  CHECK(static_cast<double>(done) == Approx(views).epsilon(.03));
  CHECK(static_cast<double>(negative) == Approx(static_cast<double>(turned) / 2).epsilon(.1));
  const double mean = sum / static_cast<double>(turned);
  CHECK(mean == Approx(9).epsilon(.01));
  CHECK(std::sqrt(squares / static_cast<double>(turned) - mean * mean) == Approx(.5).epsilon(.1));
}

TEST_CASE("RandAugment changes views, keeps them in [0, 1] and depends on the key alone") {
  const augmentation pipeline{crop_and_flip().get<random_resized_crop<>>(), rand_augment{}};
  const auto picture = random_floats(40, 40, 3, 9);
  std::size_t changed = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const random_key key{.seed = 1, .epoch = 3, .sample = i};
    const auto choices = pipeline.choose(key, {40, 40}, {32, 32});
    const auto one = render(pipeline, choices, picture, {32, 32});
    CHECK(one == render(pipeline, pipeline.choose(key, {40, 40}, {32, 32}), picture, {32, 32}));
    auto plain = choices;
    pipeline.chosen<rand_augment>(plain) = {};
    changed += one != render(pipeline, plain, picture, {32, 32});
    for (const float x : one) CHECK((0 <= x && x <= 1));
  }
  CHECK(changed > 120);
  CHECK(changed < 180);
}

TEST_CASE("RandAugment refuses hyper-parameters out of range") {
  CHECK_THROWS_WITH_AS((rand_augment{.magnitude = 11}.check({})), doctest::Contains("magnitude"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((rand_augment{.layers = 5}.check({})), doctest::Contains("at most 4 layers"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((rand_augment{.probability = -1}.check({})), doctest::Contains("probability"),
                       std::invalid_argument);
}
