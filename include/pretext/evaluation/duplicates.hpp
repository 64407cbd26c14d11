// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <stdexcept>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/core/image_layout.hpp>
#include <pretext/evaluation/feature_bank.hpp>

namespace pretext::inline v0_1 {

/// Two rows of a bank, `first` < `second`, and their cosine similarity.
struct similar_pair {
  std::uint32_t first = 0, second = 0;
  float similarity = 0;

  friend constexpr bool operator==(const similar_pair&, const similar_pair&) = default;
};

/// All pairs of rows whose cosine similarity is at least `similarity`, in the order of their rows. Throws
/// std::runtime_error when there are more than `most` pairs.
inline std::vector<similar_pair> similar_pairs(const feature_bank& bank, double similarity,
                                               const cpu::stream& stream = {},
                                               std::size_t most = 20'000'000) {
  const auto threshold = static_cast<float>(similarity);
  std::vector<std::vector<similar_pair>> of_query(std::min<std::size_t>(512, bank.size()));
  std::vector<similar_pair> pairs;
  detail::for_each_product_block(
      bank.unit(), bank.unit(), stream,
      [&](std::size_t first, std::size_t block, std::size_t done, std::size_t part, const float* product) {
        stream.for_each_run(block, 16, [&](std::size_t begin, std::size_t end) {
          for (std::size_t q = begin; q < end; ++q)
            for (std::size_t i = first + q < done ? 0 : first + q + 1 - done; i < part; ++i)
              if (product[q * part + i] >= threshold)
                of_query[q].push_back({static_cast<std::uint32_t>(first + q),
                                       static_cast<std::uint32_t>(done + i), product[q * part + i]});
        });
        if (done + part < bank.size()) return;
        for (auto& found : of_query) {
          pairs.insert(pairs.end(), found.begin(), found.end());
          found.clear();
        }
        if (pairs.size() > most)
          throw_error<std::runtime_error>("more than ", most, " pairs have a similarity of at least ",
                                          similarity, "; ask for a higher similarity");
      });
  return pairs;
}

/// Rows that pairs connect, directly or through others: groups of two or more of the `count` rows, each in
/// ascending order, in the order of their first rows.
inline std::vector<std::vector<std::size_t>> connected_groups(std::size_t count,
                                                              std::span<const similar_pair> pairs) {
  std::vector<std::size_t> parent(count);
  std::iota(parent.begin(), parent.end(), std::size_t{0});
  const auto root_of = [&](std::size_t row) {
    while (parent[row] != row) row = parent[row] = parent[parent[row]];
    return row;
  };
  for (const similar_pair& pair : pairs) {
    expects(pair.first < count && pair.second < count, "connected groups: there is no row ",
            std::max(pair.first, pair.second), " among ", count);
    const std::size_t a = root_of(pair.first), b = root_of(pair.second);
    parent[std::max(a, b)] = std::min(a, b);  // the root is the first row
  }
  std::vector<std::vector<std::size_t>> members(count), groups;
  for (std::size_t row = 0; row < count; ++row) members[root_of(row)].push_back(row);
  for (auto& group : members)
    if (group.size() > 1) groups.push_back(std::move(group));
  return groups;
}

/// A hash of an image's extents, type of samples and samples: equal images have equal hashes, and two
/// different ones have the same with a probability of about 1 in 2^64.
inline std::uint64_t sample_hash(const image_view& picture) {
  pretext::image storage;
  const image_view image = contiguous(picture, storage);
  std::uint64_t hash = 0x9E3779B97F4A7C15u;
  const auto mix = [&hash](std::uint64_t word) {
    hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
    hash ^= hash >> 32;
  };
  for (const std::uint64_t extent : {std::uint64_t{image.height}, std::uint64_t{image.width},
                                     std::uint64_t{image.channels}, std::uint64_t(image.type)})
    mix(extent);
  const std::size_t bytes = image.bytes();
  for (std::size_t at = 0; at < bytes; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, image.pixels + at, std::min<std::size_t>(8, bytes - at));
    mix(word);
  }
  return hash;
}

}  // namespace pretext::inline v0_1
