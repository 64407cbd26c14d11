#include <pretext/evaluation/diverse_subset.hpp>

#include <set>

#include "evaluation.hpp"

using namespace pretext;
using namespace pretext::tests;

namespace {

/// For every row, its similarity to the nearest of the first `count` rows of a subset.
std::vector<double> similarities(const feature_table& rows, const std::vector<diverse_row>& subset,
                                 std::size_t count) {
  std::vector<double> nearest(rows.count, -1);
  for (std::size_t i = 0; i < rows.count; ++i)
    for (std::size_t j = 0; j < count; ++j)
      nearest[i] = std::max(nearest[i], cosine_of(rows.row(i), rows.row(subset[j].index), rows.width));
  return nearest;
}

}  // namespace

TEST_CASE("as many rows as there are classes cover every class, where random rows do not") {
  const feature_table rows = blobs(3000, 16, 20, 0.3, 1);
  const feature_bank bank{rows};
  for (const auto rule : {subset_rule::coverage, subset_rule::farthest}) {
    std::set<int> classes;
    for (const auto& row : diverse_subset(bank, 20, {}, rule)) classes.insert(rows.labels[row.index]);
    CHECK(classes.size() == 20);
  }
  std::set<int> of_random_rows;
  std::mt19937 random{3};
  for (int i = 0; i < 20; ++i) of_random_rows.insert(rows.labels[random() % 3000]);
  CHECK(of_random_rows.size() < 17);
}

TEST_CASE("each row covers the most, or is the farthest, of all that could follow those before it") {
  const feature_table rows = blobs(300, 5, 7, 1, 2);
  const feature_bank bank{rows};
  const auto covering = diverse_subset(bank, 12),
             far_apart = diverse_subset(bank, 12, {}, subset_rule::farthest);
  for (std::size_t step = 0; step < 12; ++step) {
    const auto before = similarities(rows, covering, step);
    double best = -1;
    for (std::size_t i = 0; i < rows.count; ++i) {
      double mean = 0;
      for (std::size_t j = 0; j < rows.count; ++j)
        mean += std::max(before[j], cosine_of(rows.row(i), rows.row(j), 5)) / double(rows.count);
      best = std::max(best, mean);
    }
    CHECK(double(covering[step].coverage) == doctest::Approx(best).epsilon(1e-4));
    if (step == 0) continue;
    const auto far_before = similarities(rows, far_apart, step),
               after = similarities(rows, far_apart, step + 1);
    CHECK(far_before[far_apart[step].index] ==
          doctest::Approx(*std::ranges::min_element(far_before)).epsilon(1e-4));
    CHECK(double(far_apart[step].coverage) ==
          doctest::Approx(*std::ranges::min_element(after)).epsilon(1e-4));
  }
}

TEST_CASE("a subset does not depend on the threads, and begins with the subset of a smaller count") {
  const feature_table rows = blobs(2000, 8, 12, 1, 4);
  const feature_bank bank{rows};
  for (const auto rule : {subset_rule::coverage, subset_rule::farthest}) {
    const auto chosen = diverse_subset(bank, 40, {}, rule);
    CHECK(chosen == diverse_subset(bank, 40, {}, rule, cpu::stream{3}));
    std::set<std::size_t> distinct;
    for (const auto& row : chosen) distinct.insert(row.index);
    CHECK(distinct.size() == 40);
    const auto fewer = diverse_subset(bank, 10, {}, rule);
    CHECK(std::equal(fewer.begin(), fewer.end(), chosen.begin()));
  }
}

TEST_CASE("rows that are chosen already are kept away from and not repeated") {
  const feature_table rows = blobs(100, 8, 10, 0.05, 3);
  const feature_bank bank{rows};
  const std::vector<std::size_t> labelled{0, 1, 2, 3, 4, 4};  // of classes 0 to 4
  for (const auto rule : {subset_rule::coverage, subset_rule::farthest}) {
    std::set<int> classes;
    for (const auto& row : diverse_subset(bank, 5, labelled, rule)) classes.insert(rows.labels[row.index]);
    CHECK(classes == std::set<int>{5, 6, 7, 8, 9});
    CHECK(diverse_subset(bank, 95, labelled, rule).size() == 95);
  }
  CHECK_THROWS_WITH_AS(diverse_subset(bank, 96, labelled), "diverse subset: 96 rows cannot be chosen from 95",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(diverse_subset(bank, 1, std::vector<std::size_t>{100}),
                       "diverse subset: there is no row 100 in a bank of 100", std::invalid_argument);
}
