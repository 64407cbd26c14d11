#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <vector>

#include <pretext/evaluation/subsets.hpp>

using namespace pretext;

namespace {

std::vector<int> labels_of(std::size_t count, int classes) {
  std::vector<int> labels(count);
  for (std::size_t i = 0; i < count; ++i)
    labels[i] = static_cast<int>(i * 7 % static_cast<std::size_t>(classes));
  return labels;
}

std::vector<std::size_t> counts(const std::vector<int>& labels, const std::vector<std::size_t>& chosen,
                                std::size_t classes) {
  std::vector<std::size_t> count(classes);
  for (const std::size_t i : chosen) ++count[static_cast<std::size_t>(labels[i])];
  return count;
}

}  // namespace

TEST_CASE("1 % and 10 % of balanced labels have equally many images of every class, none twice, in order") {
  const auto labels = labels_of(50000, 10);
  for (const double fraction : {.01, .1}) {
    const auto chosen = class_balanced_subset(labels, fraction);
    CHECK(counts(labels, chosen, 10) ==
          std::vector<std::size_t>(10, static_cast<std::size_t>(5000 * fraction)));
    CHECK(std::ranges::is_sorted(chosen));
    CHECK(std::set(chosen.begin(), chosen.end()).size() == chosen.size());
  }
  CHECK(class_balanced_subset(labels, 1).size() == 50000);
}

TEST_CASE("a subset depends on its seed, and a smaller one is contained in a larger one") {
  const auto labels = labels_of(5000, 10);
  const auto one = class_balanced_subset(labels, .01, 3), ten = class_balanced_subset(labels, .1, 3);
  CHECK(one == class_balanced_subset(labels, .01, 3));
  CHECK(one != class_balanced_subset(labels, .01, 4));
  CHECK(std::ranges::includes(ten, one));
}

TEST_CASE("every class contributes at least one image and at most all of its images") {
  std::vector<int> labels(1000, 0);
  labels[17] = 1;
  labels[400] = labels[401] = 3;  // no image has label 2
  const auto few = class_balanced_subset(labels, .001);
  CHECK(counts(labels, few, 4) == std::vector<std::size_t>{1, 1, 0, 1});
  CHECK(counts(labels, class_balanced_subset(labels, .1), 4) == std::vector<std::size_t>{33, 1, 0, 2});
  CHECK(counts(labels, class_balanced_subset(labels, 1), 4) == std::vector<std::size_t>{997, 1, 0, 2});
}

TEST_CASE("the images of a class are chosen from the whole class") {
  const auto labels = labels_of(10000, 10);
  const auto chosen = class_balanced_subset(labels, .1);
  const auto half = std::ranges::count_if(chosen, [](std::size_t i) { return i < 5000; });
  CHECK(half > 440);
  CHECK(half < 560);
}

TEST_CASE("a fraction or a label that is out of range is refused with one sentence") {
  CHECK_THROWS_WITH_AS(class_balanced_subset(labels_of(10, 2), 0),
                       doctest::Contains("must lie within (0, 1]"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(class_balanced_subset(std::vector{0, -1}, .5),
                       doctest::Contains("the label -1 of image 1"), std::invalid_argument);
  CHECK(class_balanced_subset(std::vector<int>{}, .5).empty());
}
