// Views of other channels than RGB and of samples of other types, with the header core/image.hpp and those
// operations that suit any number of channels: augment/intensity_jitter.hpp, augment/gaussian_noise.hpp.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/cpu.hpp>

#include "augment/rendering.hpp"
#include "support/temporary_folder.hpp"

using namespace pretext;
using namespace pretext_tests;

namespace {

/// The views of one image, (views, S, S, C).
template <std::size_t Side, std::size_t Channels, class Views, class Image>
std::vector<float> views_of(const Views& views, const Image& image, std::uint32_t epoch = 0) {
  on<cpu> context{};
  tensor<float, shape<Side, Side, Channels>, cpu> batch;
  const auto out = batch.resize(Views::views);
  const std::uint64_t sample = 5;
  augment(context, views, std::span{&image, 1}, std::span{&sample, 1}, 3, epoch, out);
  return {out.data, out.data + out.size()};
}

/// The same image with the samples of another type.
template <class T>
image converted(const image& from, float factor) {
  image to;
  const auto samples = to.resize<T>(from.height, from.width, from.channels);
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<T>(static_cast<float>(from.pixels[i]) * factor);
  return to;
}

/// One channel of an image, as an image.
image channel(const image& from, std::size_t c) {
  image to;
  const auto samples = to.resize<std::uint8_t>(from.height, from.width, 1);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = from.pixels[i * from.channels + c];
  return to;
}

}  // namespace

TEST_CASE("the view of an image of 16 bits or of floats equals that of the same image of 8 bits") {
  const two_views views{simclr_cifar()};
  const image bytes = random_bytes(30, 40, 3, 1);
  const auto expected = views_of<24, 3>(views, bytes);
  CHECK(largest_difference(views_of<24, 3>(views, converted<std::uint16_t>(bytes, 257)), expected) < 1e-6);
  CHECK(largest_difference(views_of<24, 3>(views, converted<float>(bytes, 1.f / 255)), expected) < 1e-6);
}

TEST_CASE("a range maps its bounds to 0 and 1 and clips what lies beyond, reversed bounds invert") {
  image thermal;
  std::ranges::copy(std::vector<std::uint16_t>{1000, 2000, 2500, 3000, 4000, 65535},
                    thermal.resize<std::uint16_t>(1, 6, 1).begin());
  const auto view = [&] { return render<1>(augmentation{}, {}, thermal, {1, 6}); };
  thermal.range = {2000, 3000};
  CHECK(largest_difference(view(), std::vector{0.f, 0.f, .5f, 1.f, 1.f, 1.f}) < 1e-6);
  thermal.range = {3000, 2000};
  CHECK(largest_difference(view(), std::vector{1.f, 1.f, .5f, 0.f, 0.f, 0.f}) < 1e-6);
  thermal.range = {};
  CHECK(largest_difference(view(), std::vector{1000 / 65535.f, 2000 / 65535.f, 2500 / 65535.f, 3000 / 65535.f,
                                               4000 / 65535.f, 1.f}) < 1e-6);
}

TEST_CASE("floats far beyond [0, 1] are refused unless the image states their range") {
  image kelvin;
  std::ranges::generate(kelvin.resize<float>(40, 50, 1),
                        [t = 250.f]() mutable { return t < 290 ? t += .25f : t; });
  check_throws<std::invalid_argument>([&] { views_of<8, 1>(whole_image(), kelvin); },
                                      "image 0 of the batch has floats from 250.25 to 290, of which views "
                                      "would keep those in [0, 1]; give its "
                                      "range: view_of(pixels, height, width, channels, {250.25, 290})");
  const image_view every_second{kelvin.pixels.data(), 40, 25, 1, sample_type::float32, {}, {200, 8, 4}};
  check_throws<std::invalid_argument>([&] { views_of<8, 1>(whole_image(), every_second); }, "to 290");
  kelvin.range = {250, 290};
  CHECK_NOTHROW(views_of<8, 1>(whole_image(), kelvin));

  struct {
    std::size_t height = 8, width = 8, channels = 1;
    std::vector<double> pixels = std::vector<double>(64, -300);
  } plain;
  check_throws<std::invalid_argument>([&] { views_of<8, 1>(whole_image(), plain); }, "from -300 to -300");
  plain.pixels.assign(64, 1.5);  // a highlight
  plain.pixels[3] = std::numeric_limits<double>::quiet_NaN();
  CHECK_NOTHROW(views_of<8, 1>(whole_image(), plain));
}

TEST_CASE("samples of 16 bits need no alignment") {
  const std::vector<std::uint8_t> bytes{9, 0x34, 0x12, 0xFF, 0xFF};
  const image_view unaligned{bytes.data() + 1, 1, 2, 1, sample_type::uint16};
  CHECK(largest_difference(render<1>(augmentation{}, {}, unaligned, {1, 2}),
                           std::vector{0x1234 / 65535.f, 1.f}) < 1e-6);
}

TEST_CASE("a view of five channels is the views of each channel: crop, flip, blur, contrast and brightness") {
  const image all = random_bytes(33, 47, 5, 2);
  const augmentation pipeline{random_resized_crop<>{}, horizontal_flip{},
                              intensity_jitter<additive_brightness>{.probability = 1},
                              gaussian_blur{.probability = 1, .taps = 5}, solarize{.probability = 1}};
  for (std::uint32_t epoch = 0; epoch < 4; ++epoch) {
    const auto together = views_of<20, 5>(pipeline, all, epoch);
    for (std::size_t c = 0; c < 5; ++c) {
      const auto alone = views_of<20, 1>(pipeline, channel(all, c), epoch);
      std::vector<float> of_channel;
      for (std::size_t i = c; i < together.size(); i += 5) of_channel.push_back(together[i]);
      CHECK(largest_difference(of_channel, alone) < 1e-6);
    }
  }
}

TEST_CASE("RGB views are those of its three channels") {
  const image all = random_bytes(33, 47, 3, 2);
  const augmentation pipeline{random_resized_crop<>{.method = interpolation::bilinear_antialias},
                              intensity_jitter<>{.probability = 1}};
  const auto together = views_of<20, 3>(pipeline, all);
  for (std::size_t c = 0; c < 3; ++c) {
    const auto alone = views_of<20, 1>(pipeline, channel(all, c));
    for (std::size_t i = 0; i < alone.size(); ++i)
      REQUIRE(static_cast<double>(together[3 * i + c]) == doctest::Approx(static_cast<double>(alone[i])));
  }
}

TEST_CASE("noise has mean 0 and the deviation that was drawn, independent in every channel") {
  const std::size_t side = 100;
  image gray;
  std::ranges::fill(gray.resize<float>(side, side, 2), .5f);
  const auto out =
      render<2>(augmentation{gaussian_noise{}}, {{{.sigma = .1f, .noise = {.seed = 4}}}}, gray, {side, side});
  double sum[2]{}, squares[2]{}, product = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double noise = static_cast<double>(out[i]) - .5;
    sum[i % 2] += noise;
    squares[i % 2] += noise * noise;
    if (i % 2 == 1) product += noise * (static_cast<double>(out[i - 1]) - .5);
  }
  for (std::size_t c = 0; c < 2; ++c) {
    CHECK(sum[c] / 1e4 == doctest::Approx(0).epsilon(.004));
    CHECK(squares[c] / 1e4 == doctest::Approx(.01).epsilon(.05));
  }
  CHECK(product / 1e4 == doctest::Approx(0).epsilon(.001));
}

TEST_CASE("erasing fills a box of every channel with other noise") {
  const image all = random_bytes(20, 20, 4, 3);
  const auto before = views_of<20, 4>(augmentation{resized{}}, all);
  const auto after = views_of<20, 4>(augmentation{resized{}, random_erasing{.probability = 1}}, all);
  std::size_t erased[4]{};
  for (std::size_t i = 0; i < before.size(); ++i) {
    erased[i % 4] += before[i] != after[i];
    if (i % 4 > 0 && before[i] != after[i]) REQUIRE(after[i] != after[i - 1]);
  }
  CHECK(erased[0] > 0);
  for (const std::size_t of_channel : erased) CHECK(of_channel == erased[0]);
}

TEST_CASE("each channel has its own mean and deviation") {
  const image all = random_bytes(8, 8, 2, 3);
  const auto plain = views_of<8, 2>(augmentation{resized{}}, all);
  const auto normalised =
      views_of<8, 2>(augmentation{resized{}, basic_normalise<2>{{{.25f, .5f}}, {{.5f, .1f}}}}, all);
  for (std::size_t i = 0; i < plain.size(); ++i)
    REQUIRE(static_cast<double>(normalised[i]) ==
            doctest::Approx(static_cast<double>(i % 2 ? (plain[i] - .5f) / .1f : (plain[i] - .25f) / .5f)));
  check_throws<std::invalid_argument>(
      [&] {
        views_of<8, 2>(augmentation{basic_normalise<2>{{{0, 0}}, {{1, 0}}}}, all);
      },
      "deviation of channel 1 must be positive");
}

TEST_CASE("an image of other channels than the network's is refused with its number in the batch") {
  check_throws<std::invalid_argument>(
      [] { views_of<8, 5>(whole_image(), random_bytes(8, 8, 3, 1)); },
      "image 0 of the batch has 3 channels, and the network is compiled for images of 5");
  check_throws<std::invalid_argument>([] { views_of<8, 1>(whole_image(), random_bytes(8, 8, 3, 1)); },
                                      "compiled for images of 1");
  check_throws<std::invalid_argument>([] { views_of<8, 5>(whole_image(), random_bytes(8, 8, 1, 1)); },
                                      "has 1 channels");
}

TEST_CASE("brightness and contrast of strength 0 and noise of probability 0 change nothing") {
  const image all = random_bytes(12, 12, 2, 3);
  CHECK(views_of<12, 2>(augmentation{intensity_jitter<>{.brightness = 0, .contrast = 0, .probability = 1},
                                     gaussian_noise{.probability = 0}},
                        all) == views_of<12, 2>(augmentation{}, all));
}
