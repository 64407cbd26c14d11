// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include <pretext/core/distributions.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/random.hpp>

namespace pretext::inline v0_1 {

/// The lower and upper bound of a hyper-parameter or of a uniform distribution.
struct value_range {
  float low = 0, high = 1;
};

/// The random numbers of one operation for one view, counted from 0. They start at the operation's stream
/// (see core/random_streams.hpp), so that no other operation of the pipeline can change them.
struct random_draws {
  random_key key;
  std::uint32_t first = 0;

  /// Uniform in [0, 1).
  PRETEXT_HOST_DEVICE constexpr float uniform(std::uint32_t draw) const { return key.uniform(first + draw); }
  /// Uniform in [range.low, range.high).
  PRETEXT_HOST_DEVICE constexpr float uniform(std::uint32_t draw, value_range range) const {
    return key.uniform(first + draw, range.low, range.high);
  }
  /// Uniform in {0, …, count-1}.
  PRETEXT_HOST_DEVICE constexpr std::uint32_t uniform_int(std::uint32_t draw, std::uint32_t count) const {
    return key.uniform_int(first + draw, count);
  }
  /// From N(0, 1), computed from `draw`, which is even, and the number after it. `first` must be even, too.
  PRETEXT_HOST_DEVICE double normal(std::uint32_t draw) const {
    return standard_normal(key, (first + draw) / 2);
  }
  /// True with the given probability: always for 1, never for 0.
  PRETEXT_HOST_DEVICE constexpr bool bernoulli(std::uint32_t draw, float probability) const {
    return uniform(draw) < probability;
  }
};

}  // namespace pretext::inline v0_1
