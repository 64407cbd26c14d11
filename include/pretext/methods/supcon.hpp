// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/projection.hpp>
#include <pretext/losses/supervised_contrastive.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// Supervised contrastive learning (Khosla et al. 2020): all views of all images of a class attract one
/// another. Before every step the memory's `labels` get the class of each image.
template <Shape Images, class Encoder, class Projector = moco_v2_head<2048, 128>>
using supcon = joint_embedding<Images, encoder<Encoder>, projector<Projector>, loss<supervised_contrastive>>;

}  // namespace pretext::inline v0_1
