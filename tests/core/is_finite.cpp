// Compiled with -ffast-math (tests/CMakeLists.txt).
#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>
#include <vector>

#include <pretext/core/is_finite.hpp>
#include <pretext/evaluation/feature_bank.hpp>

using pretext::detail::is_finite;
using pretext::detail::is_nan;

TEST_CASE("NaN and infinite values are recognised in programs that are compiled with -ffast-math") {
  const volatile double values[] = {std::numeric_limits<double>::quiet_NaN(),
                                    std::numeric_limits<double>::infinity(),
                                    -std::numeric_limits<double>::infinity()};
  for (const volatile double& value : values) {
    CHECK_FALSE(is_finite(value));
    CHECK_FALSE(is_finite(static_cast<float>(value)));
  }
  const volatile double zero = 0;
  CHECK_FALSE(is_finite(1 / zero));
  CHECK_FALSE(is_finite(zero / zero));
  CHECK(is_finite(0.0));
  CHECK(is_finite(-std::numeric_limits<double>::max()));
  CHECK(is_finite(std::numeric_limits<double>::denorm_min()));
  CHECK(is_finite(std::numeric_limits<float>::max()));
}

TEST_CASE("NaN is told from infinite values in programs that are compiled with -ffast-math") {
  const volatile double nan = std::numeric_limits<double>::quiet_NaN();
  const volatile double infinite = std::numeric_limits<double>::infinity();
  CHECK(is_nan(nan));
  CHECK(is_nan(-nan));
  CHECK(is_nan(static_cast<float>(nan)));
  for (const double value : {double{infinite}, -double{infinite}, 0.0, 1.0, -1.0}) {
    CHECK_FALSE(is_nan(value));
    CHECK_FALSE(is_nan(static_cast<float>(value)));
  }
}

TEST_CASE("Features that are not numbers are refused in programs that are compiled with -ffast-math") {
  const volatile float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> rows{1, 2, 3, nan};
  const pretext::feature_view features{rows, 2};
  CHECK_THROWS_AS(pretext::feature_bank{features}, std::invalid_argument);
}
