#include <doctest/doctest.h>

#include <pretext/runtime/steps_ahead.hpp>

using namespace pretext;

TEST_CASE("a run asks for one step first, and then for as many as it has the patience for") {
  steps_ahead ahead{0.5};
  CHECK(ahead.steps(1000, 60) == 1);
  ahead.report_duration(1, 0.05);
  CHECK(ahead.steps(1000, 60) == 10);
  ahead.report_duration(10, 0.02);
  CHECK(ahead.steps(1000, 60) == 250);
  CHECK(ahead.steps(30, 60) == 30);
  ahead.report_duration(30, 60);
  CHECK(ahead.steps(1000, 60) == 1);
}

TEST_CASE("a run that is about to save asks for less, but never for nothing") {
  steps_ahead ahead{0.5};
  ahead.report_duration(4, 0.04);
  CHECK(ahead.steps(1000, 60) == 50);
  CHECK(ahead.steps(1000, 0.105) == 10);
  CHECK(ahead.steps(1000, 0) == 1);
  CHECK(ahead.steps(1000, -3) == 1);
  ahead.report_duration(3, 0);
  CHECK(ahead.steps(1000, 60) == 1000);
}
