#pragma once
#include <pretext/heads/projection.hpp>
#include <pretext/losses/cosine_regression.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext {

/// Bootstrap Your Own Latent (Grill et al. 2020): the online network predicts, of one view, what a slowly
/// moving copy of it makes of the other. Each view is normalised by its own statistics, in both networks; the
/// target follows in its parameters only, after the optimizer (`cosine_momentum_schedule` per step), and its
/// batch norm learns its own running statistics.
template <Shape Images, class Encoder, class Projector = byol_head<>, class Predictor = Projector>
using byol = joint_embedding<Images, encoder<Encoder>, projector<Projector>, predictor<Predictor>,
                             target<ema>, statistics<per_view_statistics>, loss<cosine_regression>>;

}  // namespace pretext
