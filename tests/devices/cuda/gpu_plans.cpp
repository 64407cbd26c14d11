// The text of gpu_plans; how plans are chosen is tested in tests/cuda/timed_plans.cpp.
#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include <pretext/devices/cuda/gpu_plans.hpp>

using namespace pretext;

namespace {
const std::string here = "GPU, library 1";
}

TEST_CASE("choices come back from their text, with their setting") {
  for (const bool timed : {true, false}) {
    gpu_plans plans{}, read{};
    plans.timed = timed;
    read.timed = !timed;
    plans.keep("product of a and b", 3);
    plans.keep("convolution", 0);
    CHECK(read.take(plans.to_text(here), here).empty());
    CHECK(read.timed == timed);
    CHECK(read.size() == 2);
    CHECK(read.find("product of a and b") == 3);
    CHECK(read.find("convolution") == 0);
    CHECK(!read.find("product"));
    CHECK(read.to_text(here) == plans.to_text(here));
  }
}
TEST_CASE("choices that were made on another GPU or with other versions are ignored, with a sentence") {
  gpu_plans plans, read;
  plans.timed = true;
  plans.keep("product", 3);
  CHECK(read.take(plans.to_text("GPU, library 2"), here) ==
        "these plans were chosen on GPU, library 2, and this is GPU, library 1, so that they are ignored");
  CHECK(read.size() == 0);
  CHECK(!read.timed);
}
TEST_CASE("a text that is none of choices is refused, with its line, and nothing of it is taken") {
  gpu_plans plans;
  const auto refused = [&](const std::string& text, const char* why) {
    CHECK_THROWS_WITH_AS(plans.take(text, here), doctest::Contains(why), std::runtime_error);
  };
  refused("", "line 1 is missing");
  refused("{\n", "line 1 is no choice of a plan: {");
  refused("# comment\non " + here + "\n", "line 3 is missing");
  refused("on " + here + "\nfastest\n", "line 2 is no choice of a plan: fastest");
  refused("on " + here + "\n3 product\n", "line 2 is no choice");
  refused("on " + here + "\ntimed\n1 sum\n-1 product\n", "line 4 is no choice of a plan: -1 product");
  refused("on " + here + "\ntimed\n1 sum\n2\n", "line 4 is no choice of a plan: 2");
  CHECK(plans.size() == 0);
  CHECK(!plans.timed);
}
