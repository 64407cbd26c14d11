#include <doctest/doctest.h>

#include <stdexcept>

#include <pretext/training/target_options.hpp>

using namespace pretext;

TEST_CASE("target options out of range are refused in a sentence") {
  CHECK_NOTHROW(target_options{}.check());
  CHECK_NOTHROW((target_options{.mixing = {}, .smoothing = 0.1}.check()));
  for (const double smoothing : {-0.1, 1.0})
    CHECK_THROWS_WITH_AS((target_options{.smoothing = smoothing}.check()),
                         doctest::Contains("must be in [0, 1)"), std::invalid_argument);
  CHECK_THROWS_WITH_AS((target_options{.mixing = {.probability = 2}}.check()),
                       doctest::Contains("probability"), std::invalid_argument);
}
