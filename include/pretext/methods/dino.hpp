// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/dino.hpp>
#include <pretext/losses/self_distillation.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// DINO (Caron et al. 2021): the student's distributions over prototypes, of all views, follow those of a
/// centred and sharpened teacher, its moving average, which sees the global views. `Images` is a shape or a
/// `multi_crop`. The head's last layer is in group 1, because it is frozen in the first epoch
/// (`step_values::groups`); the teacher's temperature is a value of the step (`step_values::loss`).
template <class Images, class Encoder, class Head = dino_head<>>
using dino = joint_embedding<Images, encoder<Encoder>, projector<Head>, target<ema>, loss<self_distillation>>;

}  // namespace pretext::inline v0_1
