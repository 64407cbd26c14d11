// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/projection.hpp>
#include <pretext/losses/nearest_neighbor_contrast.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// Nearest-neighbour contrastive learning (Dwibedi et al. 2021): predictions of one view are contrasted with
/// the neighbours that the other view's embeddings have in a queue of earlier ones.
template <Shape Images, class Encoder, class Projector = nnclr_head<>, class Predictor = nnclr_predictor<>>
using nnclr =
    joint_embedding<Images, encoder<Encoder>, projector<Projector>, predictor<Predictor>,
                    target<stop_gradient>, statistics<per_view_statistics>, loss<nearest_neighbor_contrast>>;

}  // namespace pretext::inline v0_1
