// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/projection.hpp>
#include <pretext/losses/relational_loss.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// Relational self-supervised learning (Zheng et al. 2021): the online network's similarities of a strongly
/// augmented view to a queue of embeddings follow those of the target, which sees a weakly augmented second
/// view (crop and flip).
template <Shape Images, class Encoder, class Projector = moco_v2_head<4096, 512>>
using ressl = joint_embedding<Images, encoder<Encoder>, projector<Projector>, target<ema>, compares<one_way>,
                              loss<relational_loss>>;

}  // namespace pretext::inline v0_1
