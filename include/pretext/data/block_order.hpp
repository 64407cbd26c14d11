// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <pretext/core/host_device.hpp>
#include <pretext/data/permutation.hpp>

namespace pretext::inline v0_1 {

/// How a source that is read sequentially is shuffled: `block` consecutive samples are read at once, and the
/// samples of `window` blocks are in memory together. A block of 0 samples: every sample is read by itself.
struct block_shape {
  std::size_t block = 0, window = 0;
  friend constexpr bool operator==(const block_shape&, const block_shape&) = default;
};

/// A permutation of samples with bounded memory, and a pure function of (seed, epoch, position): the blocks
/// of a data set in a random order, and within each window of blocks the samples in a random order. The last
/// window is smaller, and so is the last block of the data set, which has a random place of its own.
class block_order {
 public:
  PRETEXT_HOST_DEVICE constexpr block_order(std::size_t samples, block_shape shape, std::uint64_t seed,
                                            std::uint32_t epoch)
      : samples_{samples},
        block_{shape.block},
        window_{shape.window > 0 ? shape.window : 1},
        full_{samples / shape.block},
        missing_{(shape.block - samples % shape.block) % shape.block},
        seed_{seed},
        epoch_{epoch} {
    // The place of the smaller block among all blocks; without one, behind them.
    small_ = missing_ > 0 ? permutation{full_ + 1, seed ^ 0x626C6F636B73, epoch}[full_] : full_;
  }

  /// The sample at a position below the number of samples.
  PRETEXT_HOST_DEVICE constexpr std::size_t operator[](std::size_t position) const {
    const std::size_t room = window_ * block_, small_window = small_ / window_;
    const bool after_small = position >= (small_window + 1) * room - missing_;
    const std::size_t window = (position + (after_small ? missing_ : 0)) / room;
    const std::size_t begin = window * room - (window > small_window ? missing_ : 0);
    const std::size_t count = smaller(room - (window == small_window ? missing_ : 0), samples_ - begin);
    std::size_t inside = permutation{count, seed_ ^ (0x77696E646F77 + window), epoch_}[position - begin];
    const std::size_t behind_small = (small_ + 1 - window * window_) * block_ - missing_;
    if (window == small_window && inside >= behind_small) inside += missing_;
    const std::size_t place = window * window_ + inside / block_;
    return block_at(place) * block_ + inside % block_;
  }

  /// The block of samples that is read at a place of the epoch; block b begins with sample b·block.
  PRETEXT_HOST_DEVICE constexpr std::size_t block_at(std::size_t place) const {
    if (place == small_) return full_;
    return permutation{full_, seed_, epoch_}[place - (place > small_ ? 1 : 0)];
  }

 private:
  PRETEXT_HOST_DEVICE static constexpr std::size_t smaller(std::size_t a, std::size_t b) {
    return a < b ? a : b;
  }

  std::size_t samples_, block_, window_;
  std::size_t full_;     // blocks of `block` samples
  std::size_t missing_;  // samples that the last block lacks
  std::size_t small_;    // the place of that block
  std::uint64_t seed_;
  std::uint32_t epoch_;
};

}  // namespace pretext::inline v0_1
