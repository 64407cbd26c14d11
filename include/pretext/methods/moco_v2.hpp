// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/projection.hpp>
#include <pretext/losses/queue_contrast.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// Momentum Contrast v2 (He et al. 2020, Chen et al. 2020b): the online network's embedding of the first view
/// is contrasted with the target's embedding of the second one and with a queue of the keys of earlier
/// batches. The target moves at the start of a step.
template <Shape Images, class Encoder, class Projector = moco_v2_head<>>
using moco_v2 = joint_embedding<Images, encoder<Encoder>, projector<Projector>, target<ema_before_step>,
                                compares<one_way>, loss<queue_contrast>>;

}  // namespace pretext::inline v0_1
