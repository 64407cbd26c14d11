// Compiled with -ffast-math (tests/CMakeLists.txt).
#include <doctest/doctest.h>

#include <limits>

#include <pretext/core/is_finite.hpp>

using pretext::detail::is_finite;

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
