#include <doctest/doctest.h>

#include <limits>

#include <pretext/training/non_finite_loss.hpp>

using namespace pretext;

TEST_CASE("a loss that is NaN or infinite is an exception with advice, any other is none") {
  for (const double loss : {0.0, -1.0, 1e300, std::numeric_limits<double>::denorm_min()})
    CHECK_NOTHROW(expects_finite_loss(loss));
  for (const double loss : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                            -std::numeric_limits<double>::infinity()})
    CHECK_THROWS_WITH_AS(expects_finite_loss(loss), doctest::Contains("try a smaller learning rate"),
                         non_finite_loss);
}
