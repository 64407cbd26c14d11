#include <pretext/evaluation/hnsw_index.hpp>

#include <set>

#include "evaluation.hpp"

using namespace pretext;
using namespace pretext::tests;

namespace {

/// The share of the exact neighbours that are found.
double recall(const std::vector<neighbour>& found, const std::vector<neighbour>& exact, std::size_t k) {
  std::size_t right = 0;
  for (std::size_t first = 0; first < exact.size(); first += k) {
    std::set<std::uint32_t> wanted;
    for (std::size_t i = first; i < first + k; ++i) wanted.insert(exact[i].index);
    for (std::size_t i = first; i < first + k; ++i) right += wanted.contains(found[i].index);
  }
  return static_cast<double>(right) / static_cast<double>(exact.size());
}

}  // namespace

TEST_CASE("nearly all of the ten nearest rows are found, more of them with more effort") {
  const feature_table rows = blobs(5000, 24, 40, 0.6, 1), queries = blobs(200, 24, 40, 0.6, 2);
  const feature_bank bank{rows};
  const hnsw_index index{bank};
  const auto exact = bank.nearest(queries, 10), found = index.nearest(queries, 10, cpu::stream{2});
  const double found_share = recall(found, exact, 10);
  MESSAGE("recall of HNSW against exact search: ", found_share);
  CHECK(found_share > .98);
  CHECK(found == index.nearest(queries, 10, cpu::stream{3}));
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(double(found[i].similarity) ==
          doctest::Approx(cosine_of(rows.row(found[i].index), queries.row(i / 10), 24)).epsilon(1e-5));
  const hnsw_index hasty{bank, {.links = 4, .build_effort = 10, .search_effort = 10}};
  CHECK(recall(hasty.nearest(queries, 10), exact, 10) < found_share);
}

TEST_CASE("rows that are all the same are found in full") {
  const feature_table same{500, 4, std::vector<float>(2000, 1), {}};
  const feature_bank bank{same};
  const auto found = hnsw_index{bank}.nearest(same, 100);
  std::set<std::uint32_t> rows;
  for (std::size_t i = 0; i < 100; ++i) rows.insert(found[i].index);
  CHECK(rows.size() == 100);
}

TEST_CASE("impossible requests are refused with one sentence") {
  const feature_table rows = blobs(300, 3, 2, 1, 4);
  const feature_bank bank{rows};
  const hnsw_index index{bank};
  CHECK_THROWS_WITH_AS(index.nearest(rows, 301),
                       "nearest neighbours: k is 301, but there are 300 rows to choose from",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(index.nearest(rows, 201),
                       "nearest neighbours: k is 201, more than the search effort of the HNSW index, 200",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(index.nearest(blobs(2, 4, 2, 1, 5), 1),
                       "nearest neighbours: the bank's features have width 3, and the queries' have 4",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(hnsw_index(bank, {.links = 1}),
                       "HNSW: there must be at least 2 links and an effort of at least 1",
                       std::invalid_argument);
}
