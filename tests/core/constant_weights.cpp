#include <pretext/core/constant_weights.hpp>

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace pretext;

TEST_CASE("what is made of a weight is made once for its extents, whatever thread asks first") {
  const std::vector<float> weights(8, 3);
  const constant_weights constants{weights.data(), weights.size() * sizeof(float)};
  std::atomic<int> made{0};
  const auto doubled = [&](std::size_t at, std::size_t rows) {
    return constants.prepared<float>(&weights[at], {rows, 0, 0}, 4, [&](float* to) {
      ++made;
      for (std::size_t i = 0; i < 4; ++i) to[i] = 2 * weights[at] + static_cast<float>(i);
    });
  };
  std::vector<const float*> found(4);
  {
    std::vector<std::jthread> threads;
    for (auto& own : found) threads.emplace_back([&] { own = doubled(0, 1); });
  }
  CHECK(made == 1);
  for (const float* each : found) {
    CHECK(each == found[0]);
    CHECK(each[3] == 9);
  }
  CHECK(doubled(1, 1) != found[0]);
  CHECK(doubled(0, 2) != found[0]);
  CHECK(made == 3);
}

TEST_CASE("only the weights themselves are constant") {
  const std::vector<float> weights(8);
  const constant_weights constants{weights.data(), 7 * sizeof(float)};
  CHECK(constants.contains(&weights[0]));
  CHECK(constants.contains(&weights[6]));
  CHECK(!constants.contains(&weights[7]));
  CHECK(!constants.contains(&constants));
}

TEST_CASE("what could not be made is made by the next call") {
  const float weight = 1;
  const constant_weights constants{&weight, sizeof weight};
  CHECK_THROWS_AS(constants.prepared<float>(&weight, {1, 1, 1}, 1, [](float*) { throw 1; }), int);
  CHECK(*constants.prepared<float>(&weight, {1, 1, 1}, 1, [](float* to) { *to = 5; }) == 5);
}
