// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/random.hpp>

namespace pretext::inline v0_1 {

/// A permutation of {0, …, size-1} that is a pure function of (seed, epoch) and needs no memory, so that a
/// data set of any size is shuffled in constant space: a Feistel network with Philox as round function over
/// the next power of four, and cycle walking (Black and Rogaway 2002).
class permutation {
 public:
  PRETEXT_HOST_DEVICE constexpr permutation(std::size_t size, std::uint64_t seed, std::uint32_t epoch)
      : size_{size}, seed_{seed}, epoch_{epoch} {
    while (half_ < 32 && (std::uint64_t{1} << 2 * half_) < size) ++half_;
  }

  PRETEXT_HOST_DEVICE constexpr std::size_t size() const { return size_; }

  /// The index at a position below `size`.
  PRETEXT_HOST_DEVICE constexpr std::size_t operator[](std::size_t position) const {
    std::uint64_t at = position;
    do at = shuffle(at);
    while (at >= size_);
    return static_cast<std::size_t>(at);
  }

 private:
  PRETEXT_HOST_DEVICE constexpr std::uint64_t shuffle(std::uint64_t at) const {
    constexpr std::uint32_t purpose = 0x6F726465;  // distinguishes these words from those of views
    const std::uint64_t mask = (std::uint64_t{1} << half_) - 1;
    std::uint64_t left = at >> half_, right = at & mask;
    for (std::uint32_t round = 0; round < 8; ++round) {
      const auto block =
          philox({static_cast<std::uint32_t>(right), purpose + round, epoch_, 0xFFFFFFFF}, seed_);
      left = (left ^ block.a) & mask;
      const std::uint64_t swapped = left;
      left = right;
      right = swapped;
    }
    return left << half_ | right;
  }

  std::size_t size_;
  std::uint64_t seed_;
  std::uint32_t epoch_;
  unsigned half_ = 1;  ///< half the bits of an index
};

}  // namespace pretext::inline v0_1
