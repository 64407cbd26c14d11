// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/augment/cutmix.hpp>
#include <pretext/augment/mixup.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/core/random_streams.hpp>

namespace pretext::inline v0_1 {

/// Mixup or cutmix, one of them per batch, as in timm's `Mixup` in batch mode. An α of 0 disables one of
/// them; if both are 0, nothing is mixed. The choice depends on the key of the batch alone: pass
/// `keys(0)` of the step.
struct batch_mixing {
  pretext::mixup mixup{};
  pretext::cutmix cutmix{};
  float probability = 1;           ///< that a batch is mixed at all
  float switch_probability = .5f;  ///< that it is cutmix, if both are enabled

  /// Of the key of a batch, `keys(0)` of the step.
  static constexpr std::uint32_t stream_id = streams::batch_mixing.first,
                                 stream_size = streams::batch_mixing.size;
  static_assert(2 <= stream_size);

  PRETEXT_HOST_DEVICE batch_mix choose(const random_key& key, image_extent view) const {
    const bool has_mixup = mixup.alpha > 0, has_cutmix = cutmix.alpha > 0;
    if (!(has_mixup || has_cutmix) || key.uniform(stream_id) >= probability) return {};
    const bool cut = has_cutmix && (!has_mixup || key.uniform(stream_id + 1) < switch_probability);
    return cut ? cutmix.choose(key, view) : mixup.choose(key, view);
  }

  /// Throws std::invalid_argument for a negative α or a probability outside of [0, 1].
  void check() const {
    expects(mixup.alpha >= 0 && cutmix.alpha >= 0 && detail::is_finite(mixup.alpha) &&
                detail::is_finite(cutmix.alpha),
            "batch_mixing: the alphas of mixup and cutmix, ", mixup.alpha, " and ", cutmix.alpha,
            ", must be finite and not negative");
    for (const float p : {probability, switch_probability})
      expects(0 <= p && p <= 1, "batch_mixing: probability ", p, " must lie within [0, 1]");
  }
};

}  // namespace pretext::inline v0_1
