#include <pretext/evaluation/diverse_subset.hpp>

#include <set>

#include "evaluation.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("as many rows as there are classes cover every class, where random rows do not") {
  const feature_table rows = blobs(3000, 16, 20, 0.3, 1);
  const auto chosen = diverse_subset(feature_bank{rows}, 20);
  std::set<int> classes, of_first_rows;
  for (const auto& row : chosen) classes.insert(rows.labels[row.index]);
  CHECK(classes.size() == 20);
  std::mt19937 random{3};
  for (int i = 0; i < 20; ++i) of_first_rows.insert(rows.labels[random() % 3000]);
  CHECK(of_first_rows.size() < 17);
}

TEST_CASE("each row is the farthest from those before it, on any number of threads") {
  const feature_table rows = blobs(500, 5, 7, 1, 2);
  const feature_bank bank{rows};
  const auto chosen = diverse_subset(bank, 30);
  CHECK(chosen == diverse_subset(bank, 30, {}, cpu::stream{3}));
  std::set<std::size_t> distinct;
  for (const auto& row : chosen) distinct.insert(row.index);
  CHECK(distinct.size() == 30);
  for (std::size_t step = 1; step < 30; ++step) {
    double farthest = 0;
    for (std::size_t i = 0; i < rows.count; ++i) {
      double nearest = 2;
      for (std::size_t j = 0; j < step; ++j)
        nearest = std::min(nearest, 1 - cosine_of(rows.row(i), rows.row(chosen[j].index), 5));
      farthest = std::max(farthest, nearest);
    }
    CHECK(double(chosen[step].distance) == doctest::Approx(farthest).epsilon(1e-4));
  }
  const auto fewer = diverse_subset(bank, 10);
  CHECK(std::equal(fewer.begin(), fewer.end(), chosen.begin()));
}

TEST_CASE("rows that are chosen already are kept away from and not repeated") {
  const feature_table rows = blobs(100, 8, 10, 0.05, 3);
  const feature_bank bank{rows};
  const std::vector<std::size_t> labelled{0, 1, 2, 3, 4, 4};  // of classes 0 to 4
  std::set<int> classes;
  for (const auto& row : diverse_subset(bank, 5, labelled)) classes.insert(rows.labels[row.index]);
  CHECK(classes == std::set<int>{5, 6, 7, 8, 9});
  CHECK(diverse_subset(bank, 95, labelled).size() == 95);
  CHECK_THROWS_WITH_AS(diverse_subset(bank, 96, labelled), "diverse subset: 96 rows cannot be chosen from 95",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(diverse_subset(bank, 1, std::vector<std::size_t>{100}),
                       "diverse subset: there is no row 100 in a bank of 100", std::invalid_argument);
}
