#include <cstdlib>
#include <filesystem>

#include <pretext/evaluation/knn.hpp>
#include <pretext/io/safetensors.hpp>

#include "evaluation.hpp"

using namespace pretext;
using namespace pretext::tests;

namespace {

/// The votes of every class, computed by the formula.
std::vector<double> votes_of(const knn& voting, const feature_table& bank, const float* query,
                             std::size_t classes) {
  std::vector<std::pair<double, int>> all;
  for (std::size_t i = 0; i < bank.count; ++i)
    all.emplace_back(-cosine_of(bank.row(i), query, bank.width), bank.labels[i]);
  std::ranges::sort(all);
  std::vector<double> votes(classes);
  for (std::size_t j = 0; j < std::min(voting.k, bank.count); ++j)
    votes[std::size_t(all[j].second)] += std::exp(-all[j].first / voting.temperature);
  return votes;
}

}  // namespace

TEST_CASE("kNN ranks classes as lightly does") {
  const char* other = std::getenv("PRETEXT_REFERENCE_DIR");
  const safetensors file =
      read_safetensors(std::filesystem::path{other ? other : PRETEXT_REFERENCE} / "knn.safetensors");
  const auto load = [&](const char* name) {
    const safetensor& tensor = file.at(name);
    return feature_table{tensor.shape[0], tensor.shape[1], tensor.as<float>(), {}};
  };
  feature_table bank = load("bank");
  bank.labels = file.at("labels").as<int>();
  const feature_table queries = load("queries");
  const knn voting{.k = std::stoul(file.metadata.at("k")),
                   .temperature = std::stod(file.metadata.at("temperature"))};
  const std::size_t classes = std::stoul(file.metadata.at("classes"));
  REQUIRE(classes_of(bank) == classes);
  const auto ranking = voting.rank(bank, queries);
  const auto expected = file.at("ranking").as<int>();
  REQUIRE(ranking.size() == expected.size());
  for (std::size_t q = 0; q < queries.count; ++q) {
    CAPTURE(q);
    CHECK(ranking[q * classes] == expected[q * classes]);
    // Classes without a vote come last, in any order.
    const auto votes = votes_of(voting, bank, queries.row(q), classes);
    for (std::size_t rank = 0; rank < classes; ++rank) {
      const auto label = std::size_t(expected[q * classes + rank]);
      if (votes[label] > 0) CHECK(ranking[q * classes + rank] == int(label));
    }
  }
}

TEST_CASE(
    "a vote weighs exp(cosine/temperature): 1265 neighbours at cosine 1/2 lose to one at 1, and 1266 win") {
  for (const std::size_t many : {1265u, 1266u}) {
    feature_table bank{many + 1, 2, {1, 0}, {1}};
    for (std::size_t i = 0; i < many; ++i) {
      bank.values.insert(bank.values.end(), {0.5f, std::sqrt(0.75f)});
      bank.labels.push_back(0);
    }
    const feature_table query{1, 2, {3, 0}, {}};
    CHECK(knn{.k = 5000, .temperature = 0.07}.rank(bank, query)[0] == (many == 1265 ? 1 : 0));
    CHECK(knn{.k = 1, .temperature = 0.07}.rank(bank, query)[0] == 1);
  }
}

TEST_CASE("the ranking follows the formula for any k, temperature and number of threads") {
  const feature_table bank = blobs(700, 6, 9, 1.2, 1), queries = blobs(60, 6, 9, 1.2, 2);
  for (const knn voting :
       {knn{.k = 1}, knn{.k = 20, .temperature = 0.07}, knn{}, knn{.k = 10000, .temperature = 1}}) {
    CAPTURE(voting.k);
    const auto ranking = voting.rank(bank, queries);
    for (std::size_t q = 0; q < queries.count; ++q) {
      const auto votes = votes_of(voting, bank, queries.row(q), 9);
      for (std::size_t rank = 1; rank < 9; ++rank) {
        const auto before = std::size_t(ranking[q * 9 + rank - 1]),
                   after = std::size_t(ranking[q * 9 + rank]);
        CHECK(votes[before] >= votes[after] * (1 - 1e-5));
        if (votes[before] == votes[after]) CHECK(before < after);
      }
    }
    CHECK(ranking == voting.rank(bank, queries, cpu::stream{2}));
    CHECK(ranking == voting.rank(bank, queries, cpu::stream{3}));
  }
}

TEST_CASE("a temperature of 0.001 does not overflow and decides by the nearest neighbour") {
  const feature_table bank = blobs(300, 6, 4, 1, 3), queries = blobs(40, 6, 4, 1, 4);
  const auto cold = knn{.k = 50, .temperature = 1e-3}.rank(bank, queries),
             single = knn{.k = 1}.rank(bank, queries);
  for (std::size_t q = 0; q < queries.count; ++q) CHECK(cold[q * 4] == single[q * 4]);
}

TEST_CASE(
    "accuracy is 1 on separated classes, chance on noise, and counts a label that the bank lacks as wrong") {
  const feature_table bank = blobs(1000, 16, 10, 0.1, 5);
  feature_table queries = blobs(200, 16, 10, 0.1, 6);
  CHECK(knn{.k = 20}.accuracy(bank, queries) == 1);
  for (std::size_t i = 0; i < 50; ++i) queries.labels[i] = 99;
  CHECK(knn{.k = 20}.accuracy(bank, queries) == 0.75);
  CHECK(knn{.k = 20}.accuracy(blobs(1000, 16, 10, 100, 7), blobs(1000, 16, 10, 100, 8)) ==
        doctest::Approx(0.1).epsilon(0.5));
}

TEST_CASE("kNN refuses missing and negative labels") {
  feature_table bank = blobs(5, 3, 2, 1, 9);
  const feature_table queries = bank;
  bank.labels[3] = -1;
  CHECK_THROWS_WITH_AS(knn{}.accuracy(bank, queries),
                       "kNN, bank: the label -1 of row 3 is negative; leave unlabelled images out",
                       std::invalid_argument);
  bank.labels.pop_back();
  CHECK_THROWS_WITH_AS(knn{}.accuracy(bank, queries), "kNN, bank: 5 features need as many labels, not 4",
                       std::invalid_argument);
}

TEST_CASE("the shares of the votes rank the classes as rank does, and sum to 1") {
  const feature_table bank = blobs(300, 6, 5, 1, 31), queries = blobs(40, 6, 5, 1, 32);
  const knn vote{.k = 20};
  const auto ranking = vote.rank(bank, queries);
  const auto shares = vote.shares(bank, queries);
  for (std::size_t q = 0; q < queries.count; ++q) {
    float sum = 0;
    for (std::size_t c = 0; c < 5; ++c) sum += shares[q * 5 + c];
    CHECK(double(sum) == doctest::Approx(1).epsilon(1e-5));
    CHECK(shares[q * 5 + std::size_t(ranking[q * 5])] ==
          *std::max_element(&shares[q * 5], &shares[q * 5] + 5));
  }
}
