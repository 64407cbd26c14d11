#include <pretext/augment/orientation.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include "augment/rendering.hpp"
#include "support/temporary_folder.hpp"

using namespace pretext;
using namespace pretext_tests;

namespace {

/// The pixels 1 to 4 of a 2 x 2 image, turned.
std::vector<float> turned(const random_orientation::choice& chosen) {
  const float_image picture{2, 2, 1, {.1f, .2f, .3f, .4f}};
  const augmentation pipeline{random_orientation{}};
  view_choices<decltype(augmentation{random_orientation{}})> choices;
  pipeline.chosen<random_orientation>(choices) = chosen;
  return render<1>(pipeline, choices, picture, {2, 2});
}

}  // namespace

TEST_CASE("an orientation exchanges rows and columns and reverses them") {
  CHECK(turned({}) == std::vector{.1f, .2f, .3f, .4f});
  CHECK(turned({.transposed = true}) == std::vector{.1f, .3f, .2f, .4f});
  CHECK(turned({.rows_reversed = true}) == std::vector{.3f, .4f, .1f, .2f});
  CHECK(turned({.columns_reversed = true}) == std::vector{.2f, .1f, .4f, .3f});
  CHECK(turned({true, true, false}) == std::vector{.3f, .1f, .4f, .2f});  // a quarter turn
  CHECK(turned({false, true, true}) == std::vector{.4f, .3f, .2f, .1f});  // a half turn
}

TEST_CASE("the eight orientations are different and equally frequent, and probability 0 turns nothing") {
  std::map<std::vector<float>, int> counts;
  const auto choose = [](float probability, std::uint64_t sample) {
    return random_orientation{probability}.choose(
        random_draws{{.seed = 1, .sample = sample}, random_orientation::stream_id}, {2, 2}, {2, 2});
  };
  for (std::uint64_t sample = 0; sample < 8000; ++sample) ++counts[turned(choose(1, sample))];
  CHECK(counts.size() == 8);
  for (const auto& [view, count] : counts) {
    CHECK(count > 850);
    CHECK(count < 1150);
  }
  for (std::uint64_t sample = 0; sample < 100; ++sample)
    CHECK(turned(choose(0, sample)) == std::vector{.1f, .2f, .3f, .4f});
}

TEST_CASE("views that are not square are refused, unless nothing is turned") {
  check_throws<std::invalid_argument>([] { random_orientation{}.check({24, 32}); }, "choose square views");
  CHECK_NOTHROW(random_orientation{0}.check({24, 32}));
}
