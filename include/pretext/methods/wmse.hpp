// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/projection.hpp>
#include <pretext/losses/whitening_mse.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// Whitening MSE (Ermolov et al. 2021): the squared distance of two views after each has been whitened over
/// the batch, which leaves no room for collapse.
template <Shape Images, class Encoder, class Projector = byol_head<1024, 64>>
using wmse = joint_embedding<Images, encoder<Encoder>, projector<Projector>, loss<whitening_mse>>;

}  // namespace pretext::inline v0_1
