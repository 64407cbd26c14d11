// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/device_scalar.hpp>
#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1 {

/// Four 32-bit words of Philox (Salmon et al. 2011).
struct philox_words {
  std::uint32_t a, b, c, d;
  friend constexpr bool operator==(const philox_words&, const philox_words&) = default;
};

/// Philox4x32-10: for every 64-bit key a bijection of the 128-bit counter. Stateless, equal on every device.
PRETEXT_HOST_DEVICE constexpr philox_words philox(philox_words counter, std::uint64_t key) {
  auto low = static_cast<std::uint32_t>(key), high = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t first = std::uint64_t{0xD2511F53} * counter.a;
    const std::uint64_t second = std::uint64_t{0xCD9E8D57} * counter.c;
    counter = {static_cast<std::uint32_t>(second >> 32) ^ counter.b ^ low, static_cast<std::uint32_t>(second),
               static_cast<std::uint32_t>(first >> 32) ^ counter.d ^ high, static_cast<std::uint32_t>(first)};
    low += 0x9E3779B9;
    high += 0xBB67AE85;
  }
  return counter;
}

/// The upper 24 bits as a value in [0, 1).
PRETEXT_HOST_DEVICE constexpr float unit_interval(std::uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1p-24f;
}

/// The random numbers of one view of one image: a pure function of (seed, epoch, sample, view, draw), hence
/// equal for any batch size, number of threads or ranks and any device, and after a run was interrupted and
/// resumed.
struct random_key {
  std::uint64_t seed = 1;
  std::uint32_t epoch = 0;
  std::uint64_t sample = 0;
  std::uint32_t view = 0;

  PRETEXT_HOST_DEVICE constexpr std::uint32_t word(std::uint32_t draw) const {
    const auto block = philox({static_cast<std::uint32_t>(sample),
                               static_cast<std::uint32_t>(sample >> 32) ^ (view << 24), epoch, draw / 4},
                              seed);
    switch (draw % 4) {
      case 0:
        return block.a;
      case 1:
        return block.b;
      case 2:
        return block.c;
      default:
        return block.d;
    }
  }
  /// Uniform in [0, 1).
  PRETEXT_HOST_DEVICE constexpr float uniform(std::uint32_t draw) const { return unit_interval(word(draw)); }
  /// Uniform in [low, high).
  PRETEXT_HOST_DEVICE constexpr float uniform(std::uint32_t draw, float low, float high) const {
    return low + (high - low) * uniform(draw);
  }
  /// Uniform in {0, …, count-1}.
  PRETEXT_HOST_DEVICE constexpr std::uint32_t uniform_int(std::uint32_t draw, std::uint32_t count) const {
    return static_cast<std::uint32_t>((std::uint64_t{word(draw)} * count) >> 32);
  }
};

/// The identities of the samples of a training step. They key the random choices inside a network (masks,
/// dropped paths), so that these depend neither on the batch size nor on interruptions of a run.
struct sample_keys {
  std::uint64_t seed = 1;
  device_scalar<std::uint32_t> epoch = 0;
  const std::uint64_t* samples = nullptr;  ///< (count) indices, in the memory of the step's device
  std::size_t count = 0;  ///< images of the batch; rows after the first `count` are further views

  /// The key of a row of the batch. Views are counted from 128, so that no key equals one of an augmentation.
  PRETEXT_HOST_DEVICE constexpr random_key operator()(std::size_t row) const {
    return {seed, epoch, samples[row % count], 128 + static_cast<std::uint32_t>(row / count)};
  }
};

}  // namespace pretext::inline v0_1
