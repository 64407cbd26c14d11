#include <pretext/evaluation/nearest_neighbours.hpp>

#include "evaluation.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("the nearest neighbours equal those of a full sort, across blocks of queries and bank") {
  const feature_table bank = blobs(9001, 5, 7, 1, 1), queries = blobs(515, 5, 7, 1, 2);
  const std::size_t k = 11;
  const auto found = nearest_neighbours(bank, queries, k, cpu::stream{2});
  for (std::size_t q = 0; q < queries.count; q += 37) {
    std::vector<std::pair<double, std::size_t>> all;
    for (std::size_t i = 0; i < bank.count; ++i)
      all.emplace_back(-cosine_of(bank.row(i), queries.row(q), 5), i);
    std::ranges::sort(all);
    for (std::size_t j = 0; j < k; ++j) {
      CHECK(found[q * k + j].index == all[j].second);
      CHECK(found[q * k + j].similarity == doctest::Approx(-all[j].first).epsilon(1e-6));
    }
  }
  CHECK(found == nearest_neighbours(bank, queries, k, cpu::stream{1}));
  CHECK(found == nearest_neighbours(bank, queries, k, cpu::stream{3}));
}

TEST_CASE("of equally near rows the one with the smaller index comes first") {
  feature_table bank{6000, 2, {}, {}};
  for (std::size_t i = 0; i < bank.count; ++i) bank.values.insert(bank.values.end(), {float(1 + i % 3), 0});
  const feature_table query{1, 2, {5, 0}, {}};
  for (const std::size_t k : {1u, 2u, 7u, 6000u}) {
    const auto found = nearest_neighbours(bank, query, k);
    for (std::size_t j = 0; j < k; ++j) CHECK(found[j].index == j);
  }
}

TEST_CASE("a row of the bank is not its own neighbour, but its copy is") {
  feature_table bank = blobs(50, 8, 5, 1, 3);
  std::copy_n(bank.row(7), 8, bank.values.begin() + 31 * 8);
  const std::vector<std::size_t> rows{7, 31, 40};
  const auto found = nearest_neighbours(bank, rows, 49);
  CHECK(found[0].index == 31);
  CHECK(found[49].index == 7);
  for (std::size_t q = 0; q < rows.size(); ++q)
    for (std::size_t j = 0; j < 49; ++j) CHECK(found[q * 49 + j].index != rows[q]);
}

TEST_CASE("impossible requests are refused with one sentence") {
  const feature_table bank = blobs(5, 3, 2, 1, 4), narrow = blobs(2, 2, 2, 1, 5);
  CHECK_THROWS_WITH_AS(nearest_neighbours(bank, narrow, 1),
                       "nearest neighbours: the bank's features have width 3, and the queries' have 2",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(nearest_neighbours(bank, bank, 6),
                       "nearest neighbours: k is 6, but there are 5 rows to choose from",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(nearest_neighbours(bank, std::vector<std::size_t>{0}, 5),
                       "nearest neighbours: k is 5, but there are 4 rows to choose from",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(nearest_neighbours(bank, std::vector<std::size_t>{5}, 1),
                       "nearest neighbours: there is no row 5 in a bank of 5", std::invalid_argument);
  feature_table broken = bank;
  broken.values[4] = NAN;
  CHECK_THROWS_WITH_AS(nearest_neighbours(broken, bank, 1),
                       "nearest neighbours: a feature is NaN or infinite", std::invalid_argument);
  CHECK_THROWS_WITH_AS(nearest_neighbours(feature_table{2, 2, {1}, {}}, bank, 1),
                       "features: 2 features of width 2 cannot have 1 values", std::invalid_argument);
  CHECK_THROWS_WITH_AS(nearest_neighbours(feature_table{}, bank, 1),
                       "nearest neighbours: there are no features", std::invalid_argument);
}
