#include <pretext/layers/hard_swish.hpp>

#include "support/gradient_check.hpp"

#include <cmath>
#include <limits>

#include <pretext/layers/linear.hpp>
#include <pretext/layers/sequential.hpp>

using namespace pretext;

static_assert(Layer<hard_swish, shape<5, 8>, on<cpu>>);
static_assert(Layer<hard_sigmoid, shape<5, 8>, on<cpu>>);

TEST_CASE("hard-swish and hard-sigmoid have the paper's values, and keep NaN") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(hard_swish::value(-4.0) == 0);
  CHECK(hard_swish::value(-1.5) == -.375);
  CHECK(hard_swish::value(1.0) == doctest::Approx(2. / 3));
  CHECK(hard_swish::value(5.0) == 5);
  CHECK(std::isnan(hard_swish::value(nan)));
  CHECK(hard_sigmoid::value(-3.5) == 0);
  CHECK(hard_sigmoid::value(0.0) == .5);
  CHECK(hard_sigmoid::value(1.5) == .75);
  CHECK(hard_sigmoid::value(3.5) == 1);
  CHECK(std::isnan(hard_sigmoid::value(nan)));
}

TEST_CASE("every gradient of hard-swish and hard-sigmoid matches finite differences") {
  tests::gradients_match_finite_differences<sequential<linear<40>, hard_swish>, shape<7>>(4);
  tests::gradients_match_finite_differences<sequential<linear<40>, hard_sigmoid>, shape<7>>(4);
}
