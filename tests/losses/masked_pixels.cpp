#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include <pretext/kernels/cpu/masked_pixels.hpp>
#include <pretext/losses/composition.hpp>
#include <pretext/losses/masked_pixels.hpp>

#include "support/gradient_check.hpp"

using namespace pretext;

namespace {

using images = shape<12, 8, 3>;
using grid = patch_grid<images, 4>;  // 3x2 patches
using some_masks = masks<grid, 2>;
using masked = shape<some_masks::masked, grid::patch_dim>;
using context_type = on<cpu, fp64>;

/// A loss of two images whose first sees patches 5 and 0, the second 1 and 2.
struct comparison {
  std::vector<std::uint32_t> order{5, 0, 3, 1, 4, 2, 1, 2, 0, 3, 5, 4};
  std::vector<double> pixels = tests::normal_numbers(2 * images::size, 1, 0.3, 2);
  std::vector<double> prediction = tests::normal_numbers(2 * masked::size, 2);
  std::vector<double> gradient = std::vector<double>(prediction.size(), 0.25);

  template <class Loss>
  double operator()(const Loss& loss, std::size_t threads = 1) {
    context_type context{.stream = cpu::stream{threads}};
    gradient.assign(prediction.size(), 0.25);
    return loss(context, reads<context_type, masked>{prediction.data(), 2},
                reads<context_type, images>{pixels.data(), 2}, some_masks{order.data(), nullptr, 2},
                writes<context_type, masked>{gradient.data(), 2});
  }
  /// Value (row, column, channel) of a patch of an image.
  double& pixel(std::size_t n, std::size_t patch, std::size_t number) {
    const std::size_t row = patch / 2 * 4 + number / 12, column = patch % 2 * 4 + number / 3 % 4;
    return pixels[((n * 12 + row) * 8 + column) * 3 + number % 3];
  }
};

}  // namespace

TEST_CASE("norm-pix divides by the root of the unbiased variance: (0, 1, 2, 5) as in the published formula") {
  using one_patch = patch_grid<shape<2, 4, 1>, 2>;
  const std::vector<double> pixels{9, 9, 0, 1, 9, 9, 2, 5}, expected{-.925820, -.462910, 0, 1.388730};
  const std::vector<double> nothing(4);
  const std::vector<std::uint32_t> order{0, 1};
  for (std::size_t i = 0; i < 4; ++i) {
    // The gradient of the squared error at a prediction of 0 is -2·target/count.
    std::vector<double> gradient(4);
    context_type context;
    masked_pixels{}(context, reads<context_type, shape<1, 4>>{nothing.data(), 1},
                    reads<context_type, shape<2, 4, 1>>{pixels.data(), 1},
                    masks<one_patch, 1>{order.data(), nullptr, 1},
                    writes<context_type, shape<1, 4>>{gradient.data(), 1});
    CHECK(-2 * gradient[i] == doctest::Approx(expected[i]).epsilon(1e-6));
  }
}

TEST_CASE("the loss is the mean over the pixels of masked patches, by the formula") {
  comparison c;
  const auto by_formula = [&](bool normalise, auto error) {
    double sum = 0;
    for (std::size_t n = 0; n < 2; ++n)
      for (std::size_t i = 0; i < some_masks::masked; ++i) {
        const auto patch = c.order[n * 6 + 2 + i];
        double mean = 0, variance = 0;
        for (std::size_t j = 0; j < 48; ++j) mean += c.pixel(n, patch, j) / 48;
        for (std::size_t j = 0; j < 48; ++j) variance += std::pow(c.pixel(n, patch, j) - mean, 2) / 47;
        for (std::size_t j = 0; j < 48; ++j) {
          const double pixel = c.pixel(n, patch, j);
          const double target = normalise ? (pixel - mean) / std::sqrt(variance + 1e-6) : pixel;
          sum += error(c.prediction[(n * some_masks::masked + i) * 48 + j] - target);
        }
      }
    return sum;
  };
  const auto square = [](double away) { return away * away; };
  CHECK(c(masked_pixels{}) == doctest::Approx(by_formula(true, square) / (8 * 48)).epsilon(1e-12));
  CHECK(c(masked_pixels{.normalise = false}) ==
        doctest::Approx(by_formula(false, square) / (8 * 48)).epsilon(1e-12));
  CHECK(c(masked_pixels{.normalise = false, .error = pixel_error::absolute, .slack = 1e-5}) ==
        doctest::Approx(by_formula(false, [](double away) { return std::abs(away); }) / (8 * 16 + 1e-5) / 3)
            .epsilon(1e-12));
}

TEST_CASE("every gradient of the prediction matches finite differences and is added") {
  for (const masked_pixels loss : {masked_pixels{}, masked_pixels{.normalise = false},
                                   masked_pixels{.normalise = false, .error = pixel_error::absolute}}) {
    comparison c;
    c(loss);
    const auto gradient = c.gradient;
    for (std::size_t i = 0; i < c.prediction.size(); i += 5) {
      const double saved = c.prediction[i], h = 1e-5;
      c.prediction[i] = saved + h;
      const double up = c(loss);
      c.prediction[i] = saved - h;
      const double down = c(loss);
      c.prediction[i] = saved;
      CHECK(gradient[i] - 0.25 == doctest::Approx((up - down) / (2 * h)).epsilon(1e-6).scale(1e-3));
    }
  }
}

TEST_CASE("visible pixels do not change the loss, masked ones do") {
  comparison c;
  const double before = c(masked_pixels{});
  const auto gradient = c.gradient;
  for (std::size_t j = 0; j < 48; ++j) c.pixel(0, 5, j) += double(j), c.pixel(1, 2, j) = 0;
  CHECK(c(masked_pixels{}) == before);
  CHECK(c.gradient == gradient);
  c.pixel(1, 4, 7) += 0.1;
  CHECK(c(masked_pixels{}) != before);
}

TEST_CASE("norm-pix targets do not change with the contrast and brightness of a patch") {
  comparison c;
  const double before = c(masked_pixels{});
  for (std::size_t n = 0; n < 2; ++n)
    for (std::size_t patch = 0; patch < 6; ++patch)
      for (std::size_t j = 0; j < 48; ++j) {
        double& pixel = c.pixel(n, patch, j);
        pixel = double(3 + patch) * pixel - 7 * double(n);
      }
  CHECK(c(masked_pixels{}) == doctest::Approx(before).epsilon(1e-6));
  CHECK(c(masked_pixels{.normalise = false}) > 2 * before);
}

TEST_CASE("the loss has the same bits on any number of threads") {
  comparison c;
  const double one = c(masked_pixels{});
  const auto gradient = c.gradient;
  CHECK(c(masked_pixels{}, 3) == one);
  CHECK(c.gradient == gradient);
}

TEST_CASE("masked losses compose: a weighted sum has the weighted sum of values and gradients") {
  comparison c;
  const masked_pixels one{}, other{.normalise = false, .error = pixel_error::absolute};
  const double first = c(one);
  const auto first_gradient = c.gradient;
  const double second = c(other);
  const auto second_gradient = c.gradient;
  CHECK(c(one + 0.5 * other) == doctest::Approx(first + 0.5 * second).epsilon(1e-12));
  for (std::size_t i = 0; i < c.gradient.size(); i += 7)
    CHECK(c.gradient[i] - 0.25 ==
          doctest::Approx(first_gradient[i] - 0.25 + 0.5 * (second_gradient[i] - 0.25)).epsilon(1e-9));
}
