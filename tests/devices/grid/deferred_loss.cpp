#include "cuda/emulated.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>

#include <pretext/core/context.hpp>
#include <pretext/devices/grid/deferred_loss.hpp>

using namespace pretext;
using tests::emulated;
using loss = grid::deferred_loss<emulated>;

TEST_CASE("weighted sums of losses are evaluated when the device computes them, not before") {
  double first = 0, second = 0;
  const loss sum = loss{&first} + 0.5 * (loss{&second} + 4 * loss{&first});
  first = 10;
  second = 6;
  CHECK(sum.value() == 10 + 0.5 * (6 + 40));
  CHECK(loss{}.value() == 0);
}

TEST_CASE("a NaN or infinite loss stays stored until the host has read it, whatever later steps lose") {
  on<emulated> context;
  double value = 2;
  loss{&value}.finalize(context);
  CHECK(context.stream.take_loss() == 2);
  value = std::numeric_limits<double>::infinity();
  loss{&value}.finalize(context);
  value = 3;
  loss{&value}.finalize(context);
  CHECK(context.stream.take_loss() == std::numeric_limits<double>::infinity());
  loss{&value}.finalize(context);
  CHECK(context.stream.take_loss() == 3);
}

TEST_CASE("a sum of too many losses is rejected with the limit") {
  const double one = 1;
  loss sum;
  for (std::size_t i = 0; i < loss::max_terms; ++i) sum = sum + loss{&one};
  CHECK(sum.value() == 8);
  CHECK_THROWS_WITH_AS(sum + loss{&one}, "a sum of more than 8 losses", std::invalid_argument);
}
