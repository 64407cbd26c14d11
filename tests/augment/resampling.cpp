#include "rendering.hpp"

#include <doctest/doctest.h>

using namespace pretext;
using namespace pretext_tests;

namespace {

// A row of gray pixels resized to `width`.
std::vector<float> resized_row(std::vector<float> row, std::size_t width, interpolation method) {
  const float_image image{1, row.size(), 1, std::move(row)};
  const auto view = render(augmentation{resized{method}}, {}, image, {1, width});
  std::vector<float> first(width);
  for (std::size_t x = 0; x < width; ++x) {
    first[x] = view[3 * x];
    CHECK(view[3 * x + 1] == first[x]);
    CHECK(view[3 * x + 2] == first[x]);
  }
  return first;
}

constexpr interpolation all_methods[]{
    interpolation::bilinear,          interpolation::bilinear_antialias, interpolation::bicubic,
    interpolation::bicubic_antialias, interpolation::bicubic_tensorflow, interpolation::bicubic_legacy};

}  // namespace

TEST_CASE("bilinear weights interpolate between half-pixel centres") {
  CHECK(largest_difference(resized_row({0, 1}, 4, interpolation::bilinear),
                           std::vector{0.f, .25f, .75f, 1.f}) < 1e-6);
  CHECK(largest_difference(resized_row({0, 1}, 4, interpolation::bilinear_antialias),
                           std::vector{0.f, .25f, .75f, 1.f}) < 1e-6);
}

TEST_CASE("halving four pixels tells the six methods apart") {
  const std::vector<float> row{0, .2f, .4f, 1};
  const auto first = [&](interpolation method) {
    return static_cast<double>(resized_row(row, 2, method)[0]);
  };
  CHECK(first(interpolation::bilinear) == doctest::Approx(.1));
  // a = −.75: weights −.09375, .59375, .59375, −.09375 on pixels 0, 0, 1, 2.
  CHECK(first(interpolation::bicubic) == doctest::Approx(.59375 * .2 - .09375 * .4));
  // a = −.5: weights .5625, .5625, −.0625 on pixels 0, 1, 2, the fourth dropped.
  CHECK(first(interpolation::bicubic_tensorflow) == doctest::Approx((.5625 * .2 - .0625 * .4) / 1.0625));
  // Centre 1, kernel twice as wide: pixels 0, 1, 2 at distances ¼, ¼, ¾.
  CHECK(first(interpolation::bilinear_antialias) == doctest::Approx((.75 * .2 + .25 * .4) / 1.75));
  // a = −.5 at distances ¼, ¼, ¾, 1¼ of pixels 0 … 3.
  const double quarter = .8671875, three = .2265625, five = -.0703125;
  CHECK(first(interpolation::bicubic_antialias) ==
        doctest::Approx((quarter * .2 + three * .4 + five) / (2 * quarter + three + five)));
  // Positions 0 and 2 exactly.
  const auto legacy = resized_row(row, 2, interpolation::bicubic_legacy);
  CHECK(largest_difference(legacy, std::vector{0.f, .4f}) < 1e-6);
}

TEST_CASE("a view of the image's own size is the image, with every method") {
  for (interpolation method : all_methods) {
    const float_image image = random_floats(9, 13, 3, 4);
    CHECK(largest_difference(render(augmentation{resized{method}}, {}, image, {9, 13}), image.pixels) < 1e-6);
  }
}

TEST_CASE("a constant image stays constant, however it is resized") {
  for (interpolation method : all_methods)
    for (image_extent from : {image_extent{1, 1}, {2, 3}, {3, 50}, {64, 5}, {300, 200}})
      for (image_extent to : {image_extent{1, 1}, {4, 4}, {17, 9}}) {
        const float_image image{from.height, from.width, 3,
                                std::vector<float>(from.height * from.width * 3, .625f)};
        const auto view = render(augmentation{resized{method}}, {}, image, to);
        CHECK(largest_difference(view, std::vector<float>(view.size(), .625f)) < 2e-6);
      }
}

TEST_CASE("a ramp resized with antialias stays a ramp") {
  for (interpolation method : {interpolation::bilinear_antialias, interpolation::bicubic_antialias}) {
    std::vector<float> ramp(400);
    for (std::size_t i = 0; i < 400; ++i) ramp[i] = (static_cast<float>(i) + .5f) / 400;
    const auto view = resized_row(ramp, 40, method);
    for (std::size_t i = 2; i < 38; ++i)
      CHECK(view[i] == doctest::Approx((static_cast<double>(i) + .5) / 40).epsilon(1e-4));
  }
}

TEST_CASE("overshoot is clipped to [0, 1]") {
  const std::vector<float> steps{0, 0, 1, 1, 1, 0, 0};
  for (interpolation method :
       {interpolation::bicubic, interpolation::bicubic_tensorflow, interpolation::bicubic_antialias})
    for (float x : resized_row(steps, 31, method)) {
      CHECK(x >= 0);
      CHECK(x <= 1);
    }
}

TEST_CASE("a crop reads no pixel outside of its box") {
  float_image image = random_floats(20, 30, 3, 6);
  const crop_box box{3, 5, 11, 7};
  for (std::size_t y = 0; y < 20; ++y)
    for (std::size_t x = 0; x < 30; ++x)
      if (y < 3 || y >= 14 || x < 5 || x >= 12)
        for (std::size_t c = 0; c < 3; ++c) image.pixels[(y * 30 + x) * 3 + c] = NAN;
  for (interpolation method : all_methods) {
    const augmentation crop{random_resized_crop<>{.method = method}};
    view_choices<augmentation<random_resized_crop<>>> choices;
    crop.chosen<random_resized_crop<>>(choices) = box;
    for (float x : render(crop, choices, image, {16, 16})) CHECK(x == x);
  }
}

TEST_CASE("rows and columns are treated alike") {
  const float_image image = random_floats(12, 12, 1, 8);
  float_image turned = image;
  for (std::size_t y = 0; y < 12; ++y)
    for (std::size_t x = 0; x < 12; ++x) turned.pixels[x * 12 + y] = image.pixels[y * 12 + x];
  for (interpolation method : all_methods) {
    const auto a = render(augmentation{resized{method}}, {}, image, {7, 17});
    const auto b = render(augmentation{resized{method}}, {}, turned, {17, 7});
    double difference = 0;
    for (std::size_t y = 0; y < 7; ++y)
      for (std::size_t x = 0; x < 17; ++x)
        difference =
            std::max(difference, std::fabs(double{a[(y * 17 + x) * 3]} - double{b[(x * 7 + y) * 3]}));
    CHECK(difference < 2e-6);
  }
}
