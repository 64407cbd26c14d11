// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/augment/batch_mix.hpp>
#include <pretext/core/distributions.hpp>
#include <pretext/core/random_streams.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1 {

/// Blends every image with another image of the batch: λ times itself plus 1 - λ times the other, λ ~ Beta(α,
/// α) (Zhang et al. 2018).
struct mixup {
  double alpha = .8;

  /// Of the key of a batch, `keys(0)` of the step.
  static constexpr std::uint32_t stream_id = streams::mixup.first, stream_size = streams::mixup.size;
  static_assert(2 * gamma_draws <= stream_size);

  PRETEXT_HOST_DEVICE batch_mix choose(const random_key& key, image_extent) const {
    return {.lambda = beta_variate(key, stream_id, alpha, alpha)};
  }
};

}  // namespace pretext::inline v0_1
