// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/projection.hpp>
#include <pretext/losses/decoupled_contrastive.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// Decoupled contrastive learning (Yeh et al. 2022): SimCLR whose loss has no positive pair among the
/// negatives, so that small batches learn as well. `loss.sigma` = 0.5 makes it DCLW.
template <Shape Images, class Encoder, class Head = simclr_head<channels_of<output_of<Encoder, Images>>>>
using dcl = joint_embedding<Images, encoder<Encoder>, projector<Head>, loss<decoupled_contrastive>>;

}  // namespace pretext::inline v0_1
