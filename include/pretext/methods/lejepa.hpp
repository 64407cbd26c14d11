// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/projection.hpp>
#include <pretext/losses/sketched_isotropy.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// LeJEPA (Balestriero & LeCun 2025): the embeddings of an image's views approach the mean of its global
/// ones, and those of each view a standard normal distribution. `Images` is a shape or a `multi_crop`; there
/// is neither a target nor a predictor.
template <class Images, class Encoder, class Projector = lejepa_head<>>
using lejepa = joint_embedding<Images, encoder<Encoder>, projector<Projector>, loss<sketched_isotropy>>;

}  // namespace pretext::inline v0_1
