// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/projection.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// A Simple Framework for Contrastive Learning of Visual Representations (Chen et al. 2020): one network for
/// both views, batch norm over both views together, a projection head as wide as the feature, NT-Xent.
template <Shape Images, class Encoder, class Head = simclr_head<channels_of<output_of<Encoder, Images>>>>
using simclr = joint_embedding<Images, encoder<Encoder>, projector<Head>, loss<nt_xent>>;

}  // namespace pretext::inline v0_1
