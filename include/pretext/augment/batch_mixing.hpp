#pragma once
#include <pretext/augment/cutmix.hpp>
#include <pretext/augment/mixup.hpp>

namespace pretext {

/// Mixup or cutmix, one of them per batch, as timm's `Mixup` in batch mode draws them; an α of zero leaves
/// one out, both zero mix nothing. Draws depend on the key of the batch alone: give it `context.keys(0)`.
struct batch_mixing {
  mixup blend{};
  cutmix paste{};
  float probability = 1;           ///< that a batch is mixed at all
  float switch_probability = .5f;  ///< that it is cutmix, where there are both

  static constexpr std::uint32_t first_draw = 10240;

  PRETEXT_HOST_DEVICE batch_mix choose(const random_key& key, image_extent view) const {
    const bool blends = blend.alpha > 0, pastes = paste.alpha > 0;
    if (!(blends || pastes) || key.uniform(first_draw) >= probability) return {};
    const bool cut = pastes && (!blends || key.uniform(first_draw + 1) < switch_probability);
    return cut ? paste.choose(key, view) : blend.choose(key, view);
  }

  /// Throws std::invalid_argument for values that make no sense.
  void check() const {
    expects(blend.alpha >= 0 && paste.alpha >= 0, "batch_mixing: the alphas of mixup and cutmix, ",
            blend.alpha, " and ", paste.alpha, ", must not be negative");
    for (const float p : {probability, switch_probability})
      expects(0 <= p && p <= 1, "batch_mixing: probability ", p, " must lie within [0, 1]");
  }
};

}  // namespace pretext
