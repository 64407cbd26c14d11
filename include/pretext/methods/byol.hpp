// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/projection.hpp>
#include <pretext/losses/cosine_regression.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// Bootstrap Your Own Latent (Grill et al. 2020): the online network predicts, from one view, the embedding
/// of the other view by an EMA target. Batch norm normalises each view separately in both networks. The
/// target's parameters move after the optimizer (`cosine_momentum_schedule` gives the momentum); its batch
/// norm has running statistics of its own passes.
template <Shape Images, class Encoder, class Projector = byol_head<>, class Predictor = Projector>
using byol = joint_embedding<Images, encoder<Encoder>, projector<Projector>, predictor<Predictor>,
                             target<ema>, statistics<per_view_statistics>, loss<cosine_regression>>;

}  // namespace pretext::inline v0_1
