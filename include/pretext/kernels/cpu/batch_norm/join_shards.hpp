// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/distributed/communicator.hpp>
#include <pretext/kernels/channel_moments.hpp>

// Batch norm over the shards of a batch. Shards have equally many rows; what they have computed is combined
// in their order, so that all of them have the same statistics, bit for bit.
namespace pretext::inline v0_1::kernels::detail {

/// The moments of the rows of all shards, in the workspace, from those of this shard's `rows` rows of each
/// group (Chan, Golub & LeVeque 1983).
template <class Context>
channel_moments join_moments(Context& context, const channel_moments& own, std::size_t channels,
                             std::size_t rows) {
  const std::size_t shards = distributed::shards_of(context), values = own.groups * channels;
  double* const joined = context.workspace.template allocate<double>(2 * values);
  double* const all = context.workspace.template allocate<double>(2 * values * shards);
  std::copy_n(own.mean, values, joined);
  std::copy_n(own.deviations, values, joined + values);
  context.communicator->all_gather(context.stream, joined, all, 2 * values * sizeof(double));
  std::copy_n(all, 2 * values, joined);
  double before = static_cast<double>(rows);
  for (std::size_t shard = 1; shard < shards; ++shard, before += static_cast<double>(rows)) {
    const double *mean = all + 2 * values * shard, *deviations = mean + values;
    const double share = static_cast<double>(rows) / (before + static_cast<double>(rows));
    for (std::size_t i = 0; i < values; ++i) {
      const double delta = mean[i] - joined[i];
      joined[i] += delta * share;
      joined[values + i] += deviations[i] + delta * delta * before * share;
    }
  }
  return {own.groups, joined, joined + values};
}

/// The gradient sums of all shards, in the workspace, from this shard's `count` sums.
template <class Context>
const double* join_sums(Context& context, const double* own, std::size_t count) {
  const std::size_t shards = distributed::shards_of(context);
  double* const all = context.workspace.template allocate<double>(count * shards);
  context.communicator->all_gather(context.stream, own, all, count * sizeof(double));
  for (std::size_t shard = 1; shard < shards; ++shard)
    for (std::size_t i = 0; i < count; ++i) all[i] += all[shard * count + i];
  return all;
}

}  // namespace pretext::inline v0_1::kernels::detail
