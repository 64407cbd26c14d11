// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/swav.hpp>
#include <pretext/layers/prototypes.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/losses/swapped_prediction.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// SwAV (Caron et al. 2020): codes of the first two views, balanced over the prototypes, are predicted from
/// the other views. `Images` is a shape or a `multi_crop`. The prototypes are in group 1, because they are
/// frozen in the first steps (`step_values::groups`).
template <class Images, class Encoder, class Projector = swav_head<>, std::size_t Prototypes = 3000>
using swav = joint_embedding<Images, encoder<Encoder>, projector<Projector>,
                             predictor<in_group<1, prototypes<Prototypes>>>, target<stop_gradient>,
                             loss<swapped_prediction>>;

}  // namespace pretext::inline v0_1
