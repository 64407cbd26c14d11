#include "support/for_each_shard.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include <pretext/evaluation/gather_features.hpp>

using namespace pretext;
using namespace pretext::tests;
using distributed::communicator;

namespace {

/// Rows `first`, `first` + 1, … of two values.
feature_table rows(std::size_t first, std::size_t count, bool labelled = true) {
  feature_table table{count, 2, {}, {}};
  for (std::size_t i = first; i < first + count; ++i) {
    table.values.insert(table.values.end(), {float(i), -float(i)});
    if (labelled) table.labels.push_back(int(i % 3));
  }
  return table;
}

}  // namespace

TEST_CASE("every shard gets the rows of all in their order, however many each one has") {
  const std::vector<std::size_t> firsts{0, 4, 4, 5}, counts{4, 0, 1, 2};
  for (const std::size_t ranks : {1u, 2u, 4u})
    for (const bool labelled : {true, false}) {
      CAPTURE(ranks);
      std::vector<feature_table> found(4);
      for_each_shard(ranks, 4, [&](communicator<cpu>& own) {
        const std::size_t shard = own.shard();
        found[shard] = gather_features(own, rows(firsts[shard], counts[shard], labelled));
      });
      const feature_table all = rows(0, 7, labelled);
      for (const feature_table& each : found) {
        CHECK(each.count == all.count);
        CHECK(each.width == all.width);
        CHECK(each.values == all.values);
        CHECK(each.labels == all.labels);
      }
    }
}

TEST_CASE("shards without a row gather an empty table") {
  for_each_shard(2, 2, [](communicator<cpu>& own) {
    const auto all = gather_features(own, {0, 5, {}, {}});
    CHECK(all.count == 0);
    CHECK(all.width == 5);
  });
}

TEST_CASE("features of another width, or without labels, end all shards with a sentence") {
  std::vector<std::string> sentences(3);
  const auto gather = [&](auto table_of) {
    for_each_shard(3, 3, [&](communicator<cpu>& own) {
      try {
        gather_features(own, table_of(own.shard()));
      } catch (const std::invalid_argument& error) { sentences[own.shard()] = error.what(); }
    });
    for (const std::string& each : sentences) CHECK(each == sentences[0]);
    return sentences[0];
  };
  CHECK(gather([](std::size_t shard) { return rows(0, 2, shard != 1); }) ==
        "features of shards: those of shard 1 have 2 values and no labels, those of another one 2 values and "
        "labels");
  CHECK(gather([](std::size_t shard) {
          return shard == 2 ? feature_table{1, 3, {1, 2, 3}, {0}} : rows(0, 2);
        }) ==
        "features of shards: those of shard 2 have 3 values and labels, those of another one 2 values and "
        "labels");
}
