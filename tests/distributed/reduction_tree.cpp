#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

#include <pretext/distributed/reduction_tree.hpp>

using namespace pretext::distributed;

namespace {

constexpr std::size_t most = 64;

/// Something that no other order of additions has: addition is not associative here.
struct sum {
  unsigned long long value = 0;
  constexpr explicit operator bool() const { return value != 0; }
};
constexpr sum add(sum a, sum b) { return {(a.value * 31 + b.value) ^ (a.value >> 7) ^ 0x9e3779b97f4a7c15u}; }
constexpr sum leaf(std::size_t shard) { return {shard * 2 + 1}; }
constexpr sum leaves_only(tree_node node) { return node.is_leaf() ? leaf(node.first) : sum{}; }

/// Ranks reduce the largest subtrees that they hold, then those are reduced.
constexpr sum reduced_by_ranks(std::size_t shards, std::size_t ranks) {
  const std::size_t local = shards / ranks;
  tree_node nodes[most]{};
  sum sums[most]{};
  std::size_t count = 0;
  for (std::size_t rank = 0; rank < ranks; ++rank)
    for_each_subtree({0, shards}, rank * local, (rank + 1) * local, [&](tree_node node) {
      nodes[count] = node;
      sums[count++] = reduce_tree(node, leaves_only, add);
    });
  const auto known = [&](tree_node node) {
    for (std::size_t i = 0; i < count; ++i)
      if (nodes[i] == node) return sums[i];
    return sum{};
  };
  return reduce_tree(tree_node{0, shards}, known, add);
}

std::string written(tree_node node) {
  return node.is_leaf() ? std::to_string(node.first)
                        : "(" + written(node.left()) + "+" + written(node.right()) + ")";
}

static_assert(reduced_by_ranks(12, 1).value == reduced_by_ranks(12, 4).value);
static_assert(reduced_by_ranks(12, 1).value != reduced_by_ranks(11, 1).value);

}  // namespace

TEST_CASE("the tree splits shards at the largest power of two below their number") {
  CHECK(written({0, 1}) == "0");
  CHECK(written({0, 2}) == "(0+1)");
  CHECK(written({0, 3}) == "((0+1)+2)");
  CHECK(written({0, 4}) == "((0+1)+(2+3))");
  CHECK(written({0, 6}) == "(((0+1)+(2+3))+(4+5))");
}

TEST_CASE("the tree is the same however ranks cut it") {
  for (std::size_t shards = 1; shards <= most; ++shards)
    for (std::size_t ranks = 1; ranks <= shards; ++ranks)
      if (shards % ranks == 0) {
        CAPTURE(shards);
        CAPTURE(ranks);
        CHECK(reduced_by_ranks(shards, ranks).value == reduced_by_ranks(shards, 1).value);
      }
}

TEST_CASE("the subtrees of all ranks cover every shard once, in order") {
  for (std::size_t shards = 1; shards <= most; ++shards)
    for (std::size_t ranks = 1; ranks <= shards; ++ranks) {
      if (shards % ranks != 0) continue;
      std::size_t next = 0;
      for (std::size_t rank = 0; rank < ranks; ++rank)
        for_each_subtree({0, shards}, rank * (shards / ranks), (rank + 1) * (shards / ranks),
                         [&](tree_node node) {
                           CHECK(node.first == next);
                           next += node.count;
                         });
      CHECK(next == shards);
    }
}
