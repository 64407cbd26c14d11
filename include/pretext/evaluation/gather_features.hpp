// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/evaluation/features.hpp>

namespace pretext::inline v0_1 {

/// A collective of all shards: the rows of all of them, in the order of the shards, with their labels. Each
/// gives as many rows as it has, perhaps none. Throws std::invalid_argument, on all of them, if shards that
/// have rows differ in width or in having labels.
inline feature_table gather_features(distributed::communicator<cpu>& shards, const feature_table& own) {
  using form = std::array<std::size_t, 3>;  // rows, width, whether they have labels
  const form of_own{own.count, own.width, own.labels.empty() ? 0u : 1u};
  std::vector<form> forms(shards.shards());
  shards.all_gather({}, &of_own, forms.data(), sizeof of_own);

  feature_table all;
  std::size_t most = 0, with_labels = 0;
  for (std::size_t shard = 0; shard < forms.size(); ++shard) {
    const auto [count, width, labels] = forms[shard];
    if (count == 0) continue;
    if (all.count == 0) {
      all.width = width;
      with_labels = labels;
    }
    expects(width == all.width && labels == with_labels, "features of shards: those of shard ", shard,
            " have ", width, " values and ", labels ? "" : "no ", "labels, those of another one ", all.width,
            " values and ", with_labels ? "" : "no ", "labels");
    all.count += count;
    most = std::max(most, count);
  }
  if (all.count == 0) return {0, own.width, {}, {}};

  // Collectives move equally many bytes of each shard.
  const auto gather = [&]<class T>(const std::vector<T>& values, std::size_t width, std::vector<T>& to) {
    std::vector<T> padded = values, received(most * width * forms.size());
    padded.resize(most * width);
    shards.all_gather({}, padded.data(), received.data(), padded.size() * sizeof(T));
    to.reserve(all.count * width);
    for (std::size_t shard = 0; shard < forms.size(); ++shard) {
      const T* const rows = received.data() + shard * most * width;
      to.insert(to.end(), rows, rows + forms[shard][0] * width);
    }
  };
  gather(own.values, all.width, all.values);
  if (with_labels) gather(own.labels, 1, all.labels);
  return all;
}

}  // namespace pretext::inline v0_1
