// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/data/block_order.hpp>
#include <pretext/data/permutation.hpp>

namespace pretext::inline v0_1 {

/// The order in which an epoch visits the samples of a data set: a pure function of (seed, epoch, position),
/// equal on every device.
struct batch_order {
  std::size_t samples = 0, batch = 1;
  std::uint64_t seed = 1;
  bool shuffle = true;    ///< false: the order of the data set
  bool drop_last = true;  ///< false: the last batch of an epoch may be smaller
  block_shape blocks{};   ///< of a source that is read sequentially

  PRETEXT_HOST_DEVICE constexpr std::size_t batches_per_epoch() const {
    return (samples + (drop_last ? 0 : batch - 1)) / batch;
  }
  /// The sample at a position of an epoch; batch b starts at position b·batch.
  PRETEXT_HOST_DEVICE constexpr std::size_t sample(std::uint32_t epoch, std::size_t position) const {
    if (!shuffle) return position;
    if (blocks.block > 0) return block_order{samples, blocks, seed, epoch}[position];
    return permutation{samples, seed, epoch}[position];
  }
};

}  // namespace pretext::inline v0_1
