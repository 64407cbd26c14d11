#include <pretext/evaluation/alike_images.hpp>

#include <cstddef>
#include <random>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

using namespace pretext;

namespace {

constexpr std::size_t images = 16, size = 300;

/// Images of one scene, with noise of this standard deviation that differs from image to image.
std::vector<float> scene(double noise, double offset = 0) {
  std::mt19937 random{3};
  std::normal_distribution<double> draw;
  std::vector<double> common(size);
  for (double& value : common) value = draw(random);
  std::vector<float> pixels;
  for (std::size_t i = 0; i < images * size; ++i)
    pixels.push_back(static_cast<float>(offset + common[i % size] + noise * draw(random)));
  return pixels;
}

}  // namespace

TEST_CASE(
    "copies and blank images are alike, in any range of values; noise on one scene counts by its variance") {
  CHECK(image_variation(std::vector<float>(images * size, 0.25f), size) == 0);
  CHECK(image_variation(scene(0), size) == doctest::Approx(0).epsilon(1e-9));
  CHECK(image_variation(scene(0.1, 1000), size) == doctest::Approx(0.01 / 1.01).epsilon(0.1));
  CHECK(alike_images(scene(0.1), size));
  CHECK_FALSE(alike_images(scene(1), size));
}

TEST_CASE("images of one colour each differ, and so do independent ones") {
  std::vector<float> flat;
  for (std::size_t i = 0; i < images * size; ++i) flat.push_back(static_cast<float>(i / size));
  CHECK_FALSE(alike_images(flat, size));
  CHECK(image_variation(scene(100), size) == doctest::Approx(1).epsilon(0.1));
  CHECK_THROWS_AS(image_variation(flat, size + 1), std::invalid_argument);
  CHECK_THROWS_AS(image_variation({}, size), std::invalid_argument);
}
