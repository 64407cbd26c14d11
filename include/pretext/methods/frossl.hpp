// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/projection.hpp>
#include <pretext/losses/frossl_loss.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// FroSSL (Skean et al. 2024): two views shall agree, and the covariance of each has a small Frobenius norm.
/// Batch norm normalises each view separately.
template <Shape Images, class Encoder, class Head = three_layer_head<2048>>
using frossl = joint_embedding<Images, encoder<Encoder>, projector<Head>, statistics<per_view_statistics>,
                               loss<frossl_loss>>;

}  // namespace pretext::inline v0_1
