// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/kernels/gpu/batch_norm/gradient_sums.hpp>
#include <pretext/kernels/gpu/batch_norm/statistics.hpp>

// Batch norm over the shards of a batch, which have equally many rows. Every shard gathers what all have
// computed, and joins it in the order of the shards: all have the same statistics, bit for bit.
namespace pretext::inline v0_1::grid {

/// Stores mean and variance of this shard's rows: (2, groups, channels).
template <class T>
struct store_moments {
  moments<T> of;
  std::size_t values;  ///< groups · channels
  double* own;

  PRETEXT_HOST_DEVICE void operator()(std::size_t group, std::size_t c, const double (&sums)[2]) const {
    const mean_and_variance found = of.finish(group, c, sums);
    own[group * of.channels + c] = found.mean;
    own[values + group * of.channels + c] = found.variance;
  }
};

/// The statistics of the rows of all shards from theirs, (shards, 2, groups, channels), as in Chan, Golub &
/// LeVeque 1983.
template <class W>
struct join_moments {
  std::size_t shards, groups, channels, rows;  ///< rows of a group, of all shards
  const double* all;
  batch_statistics<W> to;

  PRETEXT_HOST_DEVICE void operator()(std::size_t c) const {
    const std::size_t values = groups * channels;
    for (std::size_t group = 0; group < groups; ++group) {
      const double* of = all + group * channels + c;
      double mean = of[0], deviations = of[values];  // of as many rows as a shard has
      for (std::size_t shard = 1; shard < shards; ++shard) {
        of += 2 * values;
        const double delta = of[0] - mean, before = static_cast<double>(shard), share = 1 / (before + 1);
        mean += delta * share;
        deviations += of[values] + delta * delta * before * share;
      }
      to.store(channels, rows, group, c, {mean, deviations / static_cast<double>(shards)});
    }
  }
};

/// Stores the sums of this shard's rows, (2, groups, channels), and adds dγ and dβ, which are this shard's.
template <class W>
struct store_gradient_sums {
  std::size_t values;  ///< groups · channels
  finish_gradient<W> of;
  double* own;

  PRETEXT_HOST_DEVICE void operator()(std::size_t group, std::size_t c, const double (&sums)[2]) const {
    of.add_affine(c, of.scale_of(group, c), sums);
    for (std::size_t s = 0; s < 2; ++s) own[s * values + group * of.channels + c] = sums[s];
  }
};

/// The coefficients of dx from the sums of all shards, (shards, 2, groups, channels).
template <class W>
struct join_gradient_sums {
  std::size_t shards, groups;
  const double* all;
  finish_gradient<W> finish;

  PRETEXT_HOST_DEVICE void operator()(std::size_t c) const {
    const std::size_t values = groups * finish.channels;
    for (std::size_t group = 0; group < groups; ++group) {
      const double* of = all + group * finish.channels + c;
      double sums[2] = {of[0], of[values]};
      for (std::size_t shard = 1; shard < shards; ++shard) {
        of += 2 * values;
        sums[0] += of[0];
        sums[1] += of[values];
      }
      finish.set_coefficients(group, c, finish.scale_of(group, c), finish.weight_of(c),
                              static_cast<double>(finish.rows), sums);
    }
  }
};

/// What every shard has stored in `own`, in the workspace: (shards, count).
template <class Context>
const double* gather_doubles(Context& context, const double* own, std::size_t count) {
  double* const all = context.workspace.template allocate<double>(count * distributed::shards_of(context));
  context.communicator->all_gather(context.stream, own, all, count * sizeof(double));
  return all;
}

}  // namespace pretext::inline v0_1::grid
