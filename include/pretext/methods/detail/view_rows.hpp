// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <pretext/core/concepts.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/view_groups.hpp>

namespace pretext::inline v0_1::detail {

/// How methods stack the features of views of several sizes: group after group, in each of them view 1 of all
/// images first. `Groups` is a view_groups.
template <class Groups>
struct view_rows {
  template <std::size_t Group>
  using group_at = std::integral_constant<std::size_t, Group>;
  using indices = std::make_index_sequence<Groups::count>;

  /// The number of images that the groups are views of. Throws std::invalid_argument if they differ.
  template <class Batch>
  static std::size_t images_of(const char* method, const Batch& batch) {
    const std::array<std::size_t, Groups::count> rows = Groups::rows(batch);
    const std::size_t n = rows[0] / Groups::views_of[0];
    for (std::size_t group = 0; group < Groups::count; ++group)
      expects(rows[group] == n * Groups::views_of[group], method, ": ", rows[group], " rows are not ",
              Groups::views_of[group], " views of each of ", n, " images");
    return n;
  }

  /// Calls `f(group_at<Group>{}, first, count)` for every group, of which `embedded` views of n images each
  /// are embedded: `count` rows, the first of which is `first`.
  template <class F>
  static void for_each(std::size_t n, const std::array<std::size_t, Groups::count>& embedded, const F& f) {
    [&]<std::size_t... Group>(std::index_sequence<Group...>) {
      std::size_t end = 0;
      (f(group_at<Group>{}, std::exchange(end, end + embedded[Group] * n), embedded[Group] * n), ...);
    }
    (indices{});
  }

  /// Has an encoder the same parameters for the views of every group?
  template <class Encoder, std::size_t... Group>
  static constexpr bool have_one_table(std::index_sequence<Group...>) {
    constexpr auto first = parameters_of<Encoder, typename Groups::images>;
    const auto equals = [&](const auto& other) {
      if (other.size() != first.size()) return false;
      for (std::size_t row = 0; row < first.size(); ++row)
        if (other[row].name() != first[row].name() || other[row].extents != first[row].extents) return false;
      return true;
    };
    return (equals(parameters_of<Encoder, typename Groups::template shape_of<Group>>) && ...);
  }
};

}  // namespace pretext::inline v0_1::detail
