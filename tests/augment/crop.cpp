// Tests of crop.hpp, and of crops.hpp and flip.hpp.
#include "rendering.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <array>
#include <cmath>

using namespace pretext;
using namespace pretext_tests;

namespace {

constexpr std::size_t draws = 20000;

template <class Sampler, class Claim>
void for_many_boxes(const random_resized_crop<Sampler>& crop, image_extent image, Claim claim) {
  for (std::uint64_t sample = 0; sample < draws; ++sample)
    claim(crop.choose(random_draws{random_key{.seed = 3, .sample = sample}, 0}, image, {32, 32}));
}

double area(crop_box box) { return static_cast<double>(box.height * box.width); }

template <class Sampler>
void check_that_boxes_lie_within(image_extent image) {
  std::size_t outside = 0;
  for_many_boxes(random_resized_crop<Sampler>{}, image, [&](crop_box box) {
    outside += box.top < 0 || box.left < 0 || box.height < 1 || box.width < 1 ||
               box.top + box.height > static_cast<std::int64_t>(image.height) ||
               box.left + box.width > static_cast<std::int64_t>(image.width);
  });
  CHECK(outside == 0);
}

}  // namespace

TEST_CASE_TEMPLATE("every box lies within its image, whatever the image", Sampler, distorted_bounding_box,
                   torchvision_crop_box, byol_crop_box) {
  for (image_extent image :
       {image_extent{32, 32}, {375, 500}, {500, 375}, {1, 1}, {1, 9}, {2, 2}, {1000, 10}, {5, 700}})
    check_that_boxes_lie_within<Sampler>(image);
}

TEST_CASE("SimCLR's official crops cover at least a tenth of the image and keep their ratio") {
  double smallest = 1, largest = 0;
  std::size_t whole = 0, skewed = 0;
  for_many_boxes(random_resized_crop<>{}, {375, 500}, [&](crop_box box) {
    const double part = area(box) / (375. * 500);
    smallest = std::min(smallest, part);
    largest = std::max(largest, part);
    whole += box == crop_box::whole({375, 500});
    const double height = static_cast<double>(box.height), width = static_cast<double>(box.width);
    skewed += width + .5 < .75 * height || width - .5 > 4. / 3 * height;
  });
  CHECK(smallest >= .1);
  CHECK(smallest < .105);
  CHECK(largest > .9);
  CHECK(skewed == 0);
  CHECK(whole < draws / 1000);
}

TEST_CASE("SimCLR's official crops are uniform in height, torchvision's and BYOL's in area") {
  const value_range quarter{.25f, 1}, square{1, 1};
  const auto mean_height = [&](const auto& crop) {
    double sum = 0;
    for_many_boxes(crop, {400, 400}, [&](crop_box box) { sum += static_cast<double>(box.height); });
    return sum / draws;
  };
  // E[h] = 300 for h ~ U(200, 400); E[√a] = 400 · (2/3)(1 − 1/8) / (3/4) for a ~ U(1/4, 1).
  const double by_area = 400 * (2. / 3) * (7. / 8) / (3. / 4);
  CHECK(mean_height(random_resized_crop<>{quarter, square}) == doctest::Approx(300).epsilon(.005));
  CHECK(mean_height(random_resized_crop<torchvision_crop_box>{quarter, square}) ==
        doctest::Approx(by_area).epsilon(.005));
  CHECK(mean_height(random_resized_crop<byol_crop_box>{quarter, square}) ==
        doctest::Approx(by_area).epsilon(.005));
  std::array<double, 10> tenth{};
  for_many_boxes(random_resized_crop<>{quarter, square}, {400, 400}, [&](crop_box box) {
    ++tenth[std::min<std::size_t>(static_cast<std::size_t>(box.height - 200) / 20, 9)];
  });
  // The last bin has one more height.
  for (std::size_t i = 0; i < 9; ++i) CHECK(tenth[i] == doctest::Approx(draws * 20. / 201).epsilon(.1));
}

TEST_CASE("official ratios are uniform, torchvision's and BYOL's log-uniform") {
  const value_range small_areas{.2f, .3f}, ratios{.5f, 2};
  const auto mean_ratio = [&](const auto& crop) {
    double sum = 0;
    for_many_boxes(crop, {1000, 1000}, [&](crop_box box) {
      sum += static_cast<double>(box.width) / static_cast<double>(box.height);
    });
    return sum / draws;
  };
  CHECK(mean_ratio(random_resized_crop<>{small_areas, ratios}) == doctest::Approx(1.25).epsilon(.01));
  const double log_uniform = 1.5 / std::log(4.);
  CHECK(mean_ratio(random_resized_crop<torchvision_crop_box>{small_areas, ratios}) ==
        doctest::Approx(log_uniform).epsilon(.01));
  CHECK(mean_ratio(random_resized_crop<byol_crop_box>{small_areas, ratios}) ==
        doctest::Approx(log_uniform).epsilon(.01));
}

TEST_CASE_TEMPLATE("the area has the mean of a uniform distribution if no box is rejected", Sampler,
                   torchvision_crop_box, byol_crop_box) {
  double sum = 0;
  for_many_boxes(random_resized_crop<Sampler>{.area = {.08f, .5f}}, {1000, 1000},
                 [&](crop_box box) { sum += area(box) / 1e6; });
  CHECK(sum / draws == doctest::Approx(.29).epsilon(.01));
}

TEST_CASE("boxes may touch the last row and column, except those of SimCLR's official sampler") {
  const auto boxes_at_the_end = [](const auto& crop) {
    std::size_t touching = 0;
    for_many_boxes(crop, {32, 32}, [&](crop_box box) {
      touching += box.height < 32 && box.top + box.height == 32;
      touching += box.width < 32 && box.left + box.width == 32;
    });
    return touching;
  };
  CHECK(boxes_at_the_end(random_resized_crop<>{}) == 0);
  CHECK(boxes_at_the_end(random_resized_crop<torchvision_crop_box>{}) > 0);
  CHECK(boxes_at_the_end(random_resized_crop<byol_crop_box>{}) > 0);
}

TEST_CASE("for an image too narrow for any allowed box each sampler has its own fallback") {
  const image_extent narrow{1000, 10};
  const random_draws some{random_key{}, 0};
  CHECK(random_resized_crop<>{}.choose(some, narrow, {32, 32}) == crop_box{0, 0, 1000, 10});
  CHECK(random_resized_crop<torchvision_crop_box>{}.choose(some, narrow, {32, 32}) ==
        crop_box{493, 0, 13, 10});
  CHECK(random_resized_crop<torchvision_crop_box>{}.choose(some, {10, 1000}, {32, 32}) ==
        crop_box{0, 493, 10, 13});
  const crop_box cut = random_resized_crop<byol_crop_box>{}.choose(some, narrow, {32, 32});
  CHECK(cut.width == 10);
  CHECK(cut.height > 10);
}

TEST_CASE("SimCLR's official ratios are relative to that of the view") {
  double sum = 0;
  for (std::uint64_t sample = 0; sample < draws; ++sample) {
    const crop_box box = random_resized_crop<>{.area = {.2f, .3f}}.choose(
        random_draws{random_key{.sample = sample}, 0}, {600, 600}, {16, 32});
    sum += static_cast<double>(box.width) / static_cast<double>(box.height);
  }
  CHECK(sum / draws == doctest::Approx(2 * (3. / 4 + 4. / 3) / 2).epsilon(.01));
}

TEST_CASE("the evaluation crop is the central 87.5 %, rounded as in SimCLR or rounded down as in BYOL") {
  resampling_map at{};
  central_crop{}.map_to_source({}, {378, 500}, {224, 224}, at);
  CHECK(at.rows.extent == 331);
  CHECK(at.columns.extent == 331);
  CHECK(at.rows.begin == (378 - 331 + 1) / 2);
  CHECK(at.columns.begin == (500 - 331 + 1) / 2);
  central_crop{.round_down = true}.map_to_source({}, {378, 500}, {224, 224}, at);
  CHECK(at.rows.extent == 330);
  CHECK(at.columns.begin == 85);
}

TEST_CASE("resized_central_crop computes in one pass what resizing and then cutting out the centre gives") {
  const image photo = random_bytes(37, 50, 3, 5);
  const augmentation at_once{resized_central_crop{.shorter_side = 24}};
  const augmentation in_two{resized{interpolation::bicubic_antialias}};
  const auto expected = render(in_two, {}, photo, {24, 32});
  const auto view = render(at_once, {}, photo, {20, 20});
  double difference = 0;
  for (std::size_t y = 0; y < 20; ++y)
    for (std::size_t i = 0; i < 60; ++i)
      difference = std::max(
          difference, std::fabs(double{view[y * 60 + i]} - double{expected[((y + 2) * 32 + 6) * 3 + i]}));
  CHECK(difference < 1e-6);
}

TEST_CASE("a flip mirrors the view and flips half of all views") {
  const float_image image = random_floats(4, 7, 3, 2);
  const auto flipped = apply(horizontal_flip{}, true, image);
  for (std::size_t y = 0; y < 4; ++y)
    for (std::size_t x = 0; x < 7; ++x)
      for (std::size_t c = 0; c < 3; ++c)
        CHECK(flipped[(y * 7 + x) * 3 + c] == image.pixels[(y * 7 + 6 - x) * 3 + c]);
  std::size_t count = 0;
  for (std::uint64_t sample = 0; sample < draws; ++sample)
    count += horizontal_flip{}.choose(random_draws{random_key{.sample = sample}, 512}, {4, 7}, {4, 7});
  CHECK(static_cast<double>(count) / draws == doctest::Approx(.5).epsilon(.03));
}
