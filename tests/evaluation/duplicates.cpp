#include <pretext/evaluation/duplicates.hpp>

#include <set>

#include "evaluation.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("all pairs of at least a similarity are found, across blocks, each once") {
  const feature_table rows = blobs(5003, 4, 60, 0.02, 1);
  const feature_bank bank{rows};
  const auto pairs = similar_pairs(bank, 0.9999, cpu::stream{2});
  CHECK(pairs == similar_pairs(bank, 0.9999, cpu::stream{3}));
  std::set<std::pair<std::size_t, std::size_t>> found;
  for (const auto& pair : pairs) {
    CHECK(pair.first < pair.second);
    CHECK(found.emplace(pair.first, pair.second).second);
  }
  std::size_t borderline = 0, missed = 0, wrong = 0;
  for (std::size_t i = 0; i < rows.count; i += 13)
    for (std::size_t j = i + 1; j < rows.count; ++j) {
      const double cosine = cosine_of(rows.row(i), rows.row(j), 4);
      if (std::abs(cosine - 0.9999) < 1e-6)
        ++borderline;
      else
        (cosine >= 0.9999 ? missed : wrong) += (cosine >= 0.9999) != found.contains({i, j});
    }
  CHECK(missed == 0);
  CHECK(wrong == 0);
  CHECK(found.size() > 10'000);
  CHECK_THROWS_WITH_AS(similar_pairs(bank, 0.9, {}, 1000),
                       "more than 1000 pairs have a similarity of at least 0.9; ask for a higher similarity",
                       std::runtime_error);
}

TEST_CASE("groups are the connected rows, in the order of their first ones") {
  const std::vector<similar_pair> pairs{{5, 7, 1}, {1, 3, 1}, {3, 6, 1}, {6, 8, 1}};
  CHECK(connected_groups(9, pairs) == std::vector<std::vector<std::size_t>>{{1, 3, 6, 8}, {5, 7}});
  CHECK(connected_groups(4, {}).empty());
  CHECK_THROWS_WITH_AS(connected_groups(8, pairs), "connected groups: there is no row 8 among 8",
                       std::invalid_argument);
}

TEST_CASE("equal images have equal hashes; one sample, one extent or the type makes another") {
  image one{6, 5, 3, std::vector<std::uint8_t>(90, 7)};
  std::set<std::uint64_t> hashes{sample_hash(one)};
  const image copy = one;
  CHECK(sample_hash(copy) == *hashes.begin());
  for (std::size_t i = 0; i < 90; ++i) {
    image other = one;
    ++other.pixels[i];
    CHECK(hashes.insert(sample_hash(other)).second);
  }
  CHECK(hashes.insert(sample_hash(image{5, 6, 3, one.pixels})).second);
  CHECK(hashes.insert(sample_hash(image{3, 5, 3, one.pixels, sample_type::uint16})).second);
}
