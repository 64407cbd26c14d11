#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>
#include <string>

#include <pretext/core/expects.hpp>

using namespace pretext;

TEST_CASE("messages contain numbers as users write them") {
  CHECK(str_cat("rate ", 0.1, ", ", 0.1f, ", ", 2.0, ", ", -0.5) == "rate 0.1, 0.1, 2, -0.5");
  CHECK(str_cat(1e-6, " ", 0.0, " ", 1.0 / 3) == "1e-06 0 0.3333333333333333");
  CHECK(str_cat(std::nan(""), " ", -INFINITY) == "nan -inf");
  CHECK(str_cat(std::size_t{18446744073709551615u}, " ", -7) == "18446744073709551615 -7");
}

TEST_CASE("expects throws its message, and only where the condition does not hold") {
  CHECK_NOTHROW(expects(true, "not this"));
  CHECK_THROWS_WITH_AS(expects(false, "momentum ", 1.5, " must be below ", 1), "momentum 1.5 must be below 1",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(throw_error<std::runtime_error>("file ", std::string{"a.png"}, ": broken"),
                       "file a.png: broken", std::runtime_error);
}
