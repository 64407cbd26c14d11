#include <doctest/doctest.h>

#include <pretext/runtime/queue_depth.hpp>

using namespace pretext;

TEST_CASE("a run queues one step first, and then as many as end within the longest wait") {
  queue_depth depth{0.5};
  CHECK(depth.steps(1000, 60) == 1);
  depth.report(1, 0.05);
  CHECK(depth.steps(1000, 60) == 10);
  depth.report(10, 0.02);
  CHECK(depth.steps(1000, 60) == 250);
  CHECK(depth.steps(30, 60) == 30);
  depth.report(30, 60);
  CHECK(depth.steps(1000, 60) == 1);
}

TEST_CASE("a run that is about to save queues fewer steps, but at least one") {
  queue_depth depth{0.5};
  depth.report(4, 0.04);
  CHECK(depth.steps(1000, 60) == 50);
  CHECK(depth.steps(1000, 0.105) == 10);
  CHECK(depth.steps(1000, 0) == 1);
  CHECK(depth.steps(1000, -3) == 1);
  depth.report(3, 0);
  CHECK(depth.steps(1000, 60) == 1000);
}
