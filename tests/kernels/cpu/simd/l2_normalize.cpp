#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/kernels/cpu/simd/l2_normalize.hpp>

#include "kernels/cpu/convolutions.hpp"

using namespace pretext;
using namespace kernels::detail;

TEST_CASE("a normalised row has length 1 and its direction") {
  const auto z = tests::random_values<double>(40, 1);
  std::vector<double> u(40);
  const double inverse = normalise_row(z.data(), u.data(), 40);
  CHECK(dot(u.data(), u.data(), 40) == doctest::Approx(1).epsilon(1e-14));
  for (std::size_t c = 0; c < 40; ++c) CHECK(u[c] == z[c] * inverse);
  CHECK_FALSE(is_clamped(inverse));
}

TEST_CASE("a row shorter than 1e-6 is multiplied by 1e6, and a NaN stays NaN") {
  const float z[] = {3e-7f, 0, -1e-7f};
  float u[3];
  const float inverse = normalise_row(z, u, 3);
  CHECK(inverse == 1e6f);
  CHECK(is_clamped(inverse));
  CHECK(u[0] == doctest::Approx(0.3));
  const float not_a_number[] = {1, std::numeric_limits<float>::quiet_NaN(), 2};
  CHECK(std::isnan(normalise_row(not_a_number, u, 3)));
  CHECK(std::isnan(u[0]));
}

TEST_CASE("the gradient of a normalised row is that of finite differences, clamped or not, and is added") {
  for (const double length : {1.0, 1e-8}) {
    auto z = tests::random_values<double>(7, 1);
    const auto du = tests::random_values<double>(7, 2);
    for (double& value : z) value *= length;
    std::vector<double> u(7), dz(7, 3.0 / length);
    const double inverse = normalise_row(z.data(), u.data(), 7);
    add_row_gradient(u.data(), du.data(), inverse, 7, dz.data());
    const auto value = [&](std::size_t c, double by) {
      auto moved = z, unit = u;
      moved[c] += by;
      normalise_row(moved.data(), unit.data(), 7);
      return dot(unit.data(), du.data(), 7);
    };
    const double step = 1e-6 * length;
    for (std::size_t c = 0; c < 7; ++c)
      CHECK((dz[c] - 3.0 / length) * length ==
            doctest::Approx((value(c, step) - value(c, -step)) / (2 * step) * length).epsilon(1e-5));
  }
}
