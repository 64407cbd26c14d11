// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/encoders/vit.hpp>
#include <pretext/heads/dino.hpp>
#include <pretext/heads/ibot.hpp>
#include <pretext/methods/masked_distillation.hpp>

namespace pretext::inline v0_1 {

/// iBOT (Zhou et al. 2022): DINO, and the student's distributions over prototypes for masked patches of the
/// global views follow the teacher's for the same patches. `Images` is a shape or a `multi_crop`, `Encoder` a
/// `vit` with the recipe `dino_pretraining`; `Head` is shared by class and patch tokens, or an `ibot_head`.
/// The last layer is in group 1, because it is frozen in the first epoch (`step_values::groups`); the
/// teacher's temperatures, for class tokens and for patches, are values of the step (`step_values::loss`).
template <class Images, class Encoder, class Head = dino_head<8192, 2048, 256, weight_gain::learned>,
          class Masking = blockwise_masking>
using ibot = masked_distillation<Images, encoder<Encoder>, projector<Head>, masking<Masking>, target<ema>,
                                 loss<token_losses<self_distillation, patch_distillation>>>;

}  // namespace pretext::inline v0_1
