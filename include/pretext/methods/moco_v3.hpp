// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/projection.hpp>
#include <pretext/losses/info_nce.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// Momentum Contrast v3 for ResNets (Chen et al. 2021): the online network predicts, from one view, the
/// target's embedding of the other view among those of all images in the batch. The target moves at the start
/// of a step; batch norm normalises each view separately in both networks.
template <Shape Images, class Encoder, class Projector = moco_v3_head<>,
          class Predictor = byol_head<4096, 256, bias::no>>
using moco_v3 = joint_embedding<Images, encoder<Encoder>, projector<Projector>, predictor<Predictor>,
                                target<ema_before_step>, statistics<per_view_statistics>, loss<info_nce>>;

}  // namespace pretext::inline v0_1
