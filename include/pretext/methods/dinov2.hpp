// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/encoders/vit.hpp>
#include <pretext/heads/dino.hpp>
#include <pretext/methods/masked_distillation.hpp>

namespace pretext::inline v0_1 {

/// DINOv2 (Oquab et al. 2024): iBOT with heads of their own for class and patch tokens, and `dinov2_losses`.
/// `Encoder` is a `vit` with the recipe `dinov2_pretraining`. The official optimizer is
/// `clipped<layer_decay<adamw>>` by module, and the last layers (group 1) have rate 0 in the first epoch.
template <class Images, class Encoder, class ClassHead = dino_head<65536, 2048, 256, weight_gain::learned>,
          class PatchHead = ClassHead, class Masking = balanced_blockwise_masking>
using dinov2 = masked_distillation<Images, encoder<Encoder>, projector<separate_heads<ClassHead, PatchHead>>,
                                   masking<Masking>, target<ema>, loss<dinov2_losses>>;

}  // namespace pretext::inline v0_1
