// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <pretext/evaluation/feature_bank.hpp>
#include <pretext/evaluation/features.hpp>

// Each call is one search and prepares the features for it. To search the same features repeatedly, use a
// `feature_bank`, which prepares them once.
namespace pretext::inline v0_1 {

/// Calls `visit(query, neighbours)` for every query, with its k nearest rows of the bank: see
/// `feature_bank::for_each_nearest`.
template <class Visit>
void for_each_nearest(const feature_view& bank, const feature_view& queries, std::size_t k,
                      const cpu::stream& stream, Visit&& visit, std::span<const std::size_t> excluded = {}) {
  feature_bank{bank, {}, stream}.for_each_nearest(queries, k, stream, std::forward<Visit>(visit), excluded);
}

/// The k nearest rows of the bank for every query, (queries, k), nearest first. Throws as `for_each_nearest`
/// does.
inline std::vector<neighbour> nearest_neighbours(const feature_view& bank, const feature_view& queries,
                                                 std::size_t k, const cpu::stream& stream = {}) {
  return feature_bank{bank, {}, stream}.nearest(queries, k, stream);
}

/// The k nearest other rows for some rows of the bank itself, (rows, k), nearest first.
inline std::vector<neighbour> nearest_neighbours(const feature_view& bank, std::span<const std::size_t> rows,
                                                 std::size_t k, const cpu::stream& stream = {}) {
  return feature_bank{bank, {}, stream}.nearest_others(rows, k, stream);
}

}  // namespace pretext::inline v0_1
