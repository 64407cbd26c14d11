// SPDX-License-Identifier: MIT
#pragma once
#include <bit>
#include <cstddef>

#include <pretext/core/cpp20.hpp>

// The order in which arrays of shards are added: along a binary tree over the shards, whose form depends on
// their number alone. A rank adds the largest subtrees that it holds, and the ranks add those: the same
// additions, whichever rank holds a shard.
namespace pretext::inline v0_1::distributed {

/// A node of the reduction tree: the sum of `count` consecutive shards, the first of which is `first`.
struct tree_node {
  std::size_t first = 0, count = 1;

  friend constexpr bool operator==(const tree_node&, const tree_node&) = default;

  constexpr bool is_leaf() const { return count == 1; }
  /// The shards of the left child: the largest power of two below `count`.
  constexpr std::size_t left_count() const { return std::bit_floor(count - 1); }
  constexpr tree_node left() const { return {first, left_count()}; }
  constexpr tree_node right() const { return {first + left_count(), count - left_count()}; }
};

/// Calls `visit(node)` for the largest nodes of the tree below `node` that lie within the shards
/// [first, last), in their order.
template <class Visit>
constexpr void for_each_subtree(tree_node node, std::size_t first, std::size_t last, const Visit& visit) {
  if (node.first >= last || node.first + node.count <= first) return;
  if (first <= node.first && node.first + node.count <= last) return visit(node);
  for_each_subtree(node.left(), first, last, visit);
  for_each_subtree(node.right(), first, last, visit);
}

/// Reduces the tree below `node` to one value: `find(node)` returns the value of a node that is known, or
/// else something false, and `add(left, right)` the sum of two. Both are called in the order of the shards.
template <class Find, class Add>
constexpr auto reduce_tree(tree_node node, const Find& find, const Add& add) -> decltype(find(node)) {
  if (const auto known = find(node)) return known;
  const auto left = reduce_tree(node.left(), find, add);
  const auto right = reduce_tree(node.right(), find, add);
  return add(left, right);
}

}  // namespace pretext::inline v0_1::distributed
