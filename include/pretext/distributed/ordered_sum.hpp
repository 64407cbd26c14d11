// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include <pretext/distributed/engine.hpp>
#include <pretext/distributed/reduction_tree.hpp>

// Engines have all-reduces of their own, which add in an order that depends on the number of ranks, on the
// length of the arrays and on the network. Here ranks exchange slices, each adds its slice along the tree,
// and all gather the sums: the same bytes on the wire as a ring all-reduce, and the same bits on any engine.
namespace pretext::inline v0_1::distributed {

/// Sums arrays over shards along the reduction tree. Each of `ranks` ranks holds equally many consecutive
/// shards. Its memory grows with the first calls and is used again.
class ordered_sum {
 public:
  /// `piece` bytes of the arrays are exchanged at a time.
  ordered_sum(std::size_t shards, std::size_t ranks, std::size_t rank,
              std::size_t piece = std::size_t{1} << 22)
      : shards_{shards}, ranks_{ranks}, local_{shards / ranks}, first_{rank * local_}, piece_{piece} {
    for (std::size_t each = 0; each < ranks; ++each) {
      std::size_t nodes = 0;
      for_each_subtree({0, shards}, each * local_, (each + 1) * local_, [&](tree_node) { ++nodes; });
      most_nodes_ = std::max(most_nodes_, nodes);
    }
  }

  /// Adds elements [begin, end) of the arrays of this rank's shards, in place: each of the largest subtrees
  /// leaves its sum in the array of its first shard. Several threads may add disjoint parts at once.
  template <class T>
  void add_local(T* const* arrays, std::size_t begin, std::size_t end) const {
    const auto find = [&](tree_node node) { return node.is_leaf() ? arrays[node.first - first_] : nullptr; };
    const auto add = [&](T* left, const T* right) {
      for (std::size_t i = begin; i < end; ++i) left[i] += right[i];
      return left;
    };
    for_each_own_subtree([&](tree_node node) { reduce_tree(node, find, add); });
  }

  /// Replaces the array of this rank's first shard by the sums over the shards of all ranks, from what
  /// `add_local` has left.
  template <class T, Engine E>
  void add_ranks(E& engine, T* const* arrays, std::size_t count) {
    if (ranks_ == 1) return;
    const std::size_t length = std::max(piece_ / sizeof(T) / ranks_, std::size_t{1}) * ranks_;
    const std::size_t whole = most_nodes_ == 1 ? count - count % ranks_ : 0;  // of slices of equal length
    for (std::size_t begin = 0; begin < whole; begin += length)
      add_in_place(engine, arrays[0] + begin, std::min(length, whole - begin));
    for (std::size_t begin = whole; begin < count; begin += length)
      add_piece(engine, arrays, begin, std::min(length, count - begin));
  }

 private:
  template <class Visit>
  void for_each_own_subtree(const Visit& visit) const {
    for_each_subtree({0, shards_}, first_, first_ + local_, visit);
  }

  /// Where each rank has one subtree: the slices for all ranks are adjacent already, and so are their sums.
  template <class T, class E>
  void add_in_place(E& engine, T* array, std::size_t count) {
    const std::size_t slice = count / ranks_;
    received_.resize(std::max(received_.size(), count * sizeof(T)));
    T* const received = reinterpret_cast<T*>(received_.data());
    engine.all_to_all(array, received, slice * sizeof(T));
    engine.all_gather(add_received(received, slice), array, slice * sizeof(T));
  }

  template <class T, class E>
  void add_piece(E& engine, T* const* arrays, std::size_t begin, std::size_t count) {
    const std::size_t slice = (count + ranks_ - 1) / ranks_, part = most_nodes_ * slice;
    sent_.resize(std::max(sent_.size(), ranks_ * part * sizeof(T)));
    received_.resize(std::max(received_.size(), sent_.size()));
    T* const sent = reinterpret_cast<T*>(sent_.data());
    T* const received = reinterpret_cast<T*>(received_.data());

    std::size_t node_index = 0;  // the layout of what is sent: (rank, node, slice)
    for_each_own_subtree([&](tree_node node) {
      for (std::size_t rank = 0; rank < ranks_; ++rank) {
        const std::size_t from = std::min(count, rank * slice), to = std::min(count, from + slice);
        std::copy(arrays[node.first - first_] + begin + from, arrays[node.first - first_] + begin + to,
                  sent + rank * part + node_index * slice);
      }
      ++node_index;
    });
    engine.all_to_all(sent, received, part * sizeof(T));

    const T* const sums = add_received(received, slice);
    engine.all_gather(sums, sent, slice * sizeof(T));
    std::copy_n(sent, count, arrays[0] + begin);
  }

  /// Adds the slices of all ranks' subtrees along the tree, which finds them in the order of the shards.
  template <class T>
  const T* add_received(T* received, std::size_t slice) const {
    std::size_t rank = 0, node_index = 0;
    const auto find = [&](tree_node node) -> T* {
      const std::size_t holder = node.first / local_;
      if (node.first + node.count > (holder + 1) * local_) return nullptr;
      node_index = holder == rank ? node_index : 0;
      rank = holder;
      return received + (rank * most_nodes_ + node_index++) * slice;
    };
    return reduce_tree(tree_node{0, shards_}, find, [&](T* left, const T* right) {
      for (std::size_t i = 0; i < slice; ++i) left[i] += right[i];
      return left;
    });
  }

  std::size_t shards_, ranks_, local_, first_, piece_, most_nodes_ = 0;
  std::vector<std::byte> sent_, received_;
};

}  // namespace pretext::inline v0_1::distributed
