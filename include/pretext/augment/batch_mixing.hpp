#pragma once
#include <pretext/augment/cutmix.hpp>
#include <pretext/augment/mixup.hpp>
#include <pretext/core/random_streams.hpp>

namespace pretext {

/// Mixup or cutmix, one of them per batch, as timm's `Mixup` in batch mode draws them; an α of zero leaves
/// one out, both zero mix nothing. Draws depend on the key of the batch alone: give it `keys(0)` of the step.
struct batch_mixing {
  pretext::mixup mixup{};
  pretext::cutmix cutmix{};
  float probability = 1;           ///< that a batch is mixed at all
  float switch_probability = .5f;  ///< that it is cutmix, where there are both

  /// Of the key of a batch, `context.keys(0)`.
  static constexpr std::uint32_t stream_id = streams::batch_mixing.first,
                                 stream_size = streams::batch_mixing.size;
  static_assert(2 <= stream_size);

  PRETEXT_HOST_DEVICE batch_mix choose(const random_key& key, image_extent view) const {
    const bool blends = mixup.alpha > 0, pastes = cutmix.alpha > 0;
    if (!(blends || pastes) || key.uniform(stream_id) >= probability) return {};
    const bool cut = pastes && (!blends || key.uniform(stream_id + 1) < switch_probability);
    return cut ? cutmix.choose(key, view) : mixup.choose(key, view);
  }

  /// Throws std::invalid_argument for values that make no sense.
  void check() const {
    expects(mixup.alpha >= 0 && cutmix.alpha >= 0, "batch_mixing: the alphas of mixup and cutmix, ",
            mixup.alpha, " and ", cutmix.alpha, ", must not be negative");
    for (const float p : {probability, switch_probability})
      expects(0 <= p && p <= 1, "batch_mixing: probability ", p, " must lie within [0, 1]");
  }
};

}  // namespace pretext
