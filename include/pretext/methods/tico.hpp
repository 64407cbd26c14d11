// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/projection.hpp>
#include <pretext/losses/tico_loss.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// TiCo (Zhu et al. 2022): the online network's embedding of the first view follows the target's of the
/// second one, and is pushed away from the directions in which embeddings have varied. The target moves at
/// the start of a step.
template <Shape Images, class Encoder, class Projector = byol_head<4096, 256, bias::no, bias::yes>>
using tico = joint_embedding<Images, encoder<Encoder>, projector<Projector>, target<ema_before_step>,
                             compares<one_way>, loss<tico_loss>>;

}  // namespace pretext::inline v0_1
