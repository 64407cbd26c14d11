// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/projection.hpp>
#include <pretext/losses/barlow_twins_loss.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// Barlow Twins (Zbontar et al. 2021): the embeddings of two views, each standardised over the batch, shall
/// have the identity as their cross-correlation. Batch norm normalises each view separately.
template <Shape Images, class Encoder, class Head = three_layer_head<>>
using barlow_twins = joint_embedding<Images, encoder<Encoder>, projector<Head>,
                                     statistics<per_view_statistics>, loss<barlow_twins_loss>>;

}  // namespace pretext::inline v0_1
