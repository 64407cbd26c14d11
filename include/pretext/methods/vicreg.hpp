// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/projection.hpp>
#include <pretext/losses/vicreg_loss.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// Variance-Invariance-Covariance Regularization (Bardes et al. 2022): the embeddings of two views shall
/// agree, and their variables vary over the batch without being correlated. Batch norm normalises each view
/// separately.
template <Shape Images, class Encoder, class Head = three_layer_head<8192, 8192, bias::yes>>
using vicreg = joint_embedding<Images, encoder<Encoder>, projector<Head>, statistics<per_view_statistics>,
                               loss<vicreg_loss>>;

}  // namespace pretext::inline v0_1
