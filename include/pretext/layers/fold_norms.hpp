// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <span>

#include <pretext/core/parameter.hpp>

namespace pretext::inline v0_1 {

/// Multiplies the convolutions of a network by the scale of the batch norm that each is fused with, so that
/// inference need not do it in every call; `value` is the network's flat buffer in host memory. β becomes the
/// rest of the norm, and γ, mean and variance become those of an identity: the network computes the same.
/// Pass `weights` with `folded` to `infer` afterwards.
template <class W>
void fold_norms(std::span<const parameter> table, W* value) {
  for (const parameter& p : table) {
    if (p.folds == 0) continue;
    const auto epsilon = static_cast<W>(p.folds_epsilon);
    const std::size_t channels = p.extents[0], rows = p.folds / channels;
    W *const gamma = value + p.offset, *const beta = gamma + channels, *const mean = beta + channels,
             *const variance = mean + channels, *const kernel = gamma - p.folds;
    for (std::size_t c = 0; c < channels; ++c) {
      const W scale = gamma[c] / std::sqrt(variance[c] + epsilon);
      for (std::size_t r = 0; r < rows; ++r) kernel[r * channels + c] *= scale;
      beta[c] = beta[c] - mean[c] * scale;
      gamma[c] = 1;
      mean[c] = 0;
      variance[c] = 1 - epsilon;
    }
  }
}

}  // namespace pretext::inline v0_1
