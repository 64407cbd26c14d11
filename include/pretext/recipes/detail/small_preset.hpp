// SPDX-License-Identifier: MIT
#pragma once
// What presets for small images and for inspections share.
#include <pretext/recipes/pretraining_preset.hpp>

namespace pretext::inline v0_1::detail {

inline constexpr optimizer_preset small_sgd{{.rate = 0.2, .batch = 64, .scaling = rate_scaling::linear},
                                            1e-4},
    small_lars{{.rate = 2, .batch = 100, .scaling = rate_scaling::square_root}, 1e-6},
    small_adamw{{.rate = 1e-3, .batch = 64, .scaling = rate_scaling::square_root}, 0.05};

/// Small batches, for many steps with few images; crops that rarely miss a defect, and changes that do not
/// hide it; every orientation.
constexpr void suit_inspection(pretraining_preset& preset) {
  preset.batch = 64;
  preset.views = {.minimum_area = 0.5f, .jitter = 0.25f, .color = 0, .blur = 0, .any_orientation = true};
}

}  // namespace pretext::inline v0_1::detail
