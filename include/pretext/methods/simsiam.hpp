// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/projection.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/losses/negative_cosine.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// SimSiam (Chen & He 2021): a predictor maps the embedding of one view to that of the other, which has no
/// gradient; there is no target network. The predictor's parameters are in group 1, because their learning
/// rate stays constant (`step_values::groups`).
template <Shape Images, class Encoder, class Projector = simsiam_head<>,
          class Predictor = simsiam_predictor<>>
using simsiam =
    joint_embedding<Images, encoder<Encoder>, projector<Projector>, predictor<in_group<1, Predictor>>,
                    target<stop_gradient>, statistics<per_view_statistics>, loss<negative_cosine>>;

/// FastSiam (Pototzky et al. 2022): SimSiam with more views; each prediction is compared with the mean
/// embedding of the image's other views.
template <Shape Images, class Encoder, std::size_t Views = 4, class Projector = simsiam_head<>,
          class Predictor = simsiam_predictor<>>
using fast_siam =
    joint_embedding<Images, encoder<Encoder>, projector<Projector>, predictor<in_group<1, Predictor>>,
                    target<stop_gradient>, compares<all_views<Views>>, statistics<per_view_statistics>,
                    loss<negative_cosine>>;

}  // namespace pretext::inline v0_1
