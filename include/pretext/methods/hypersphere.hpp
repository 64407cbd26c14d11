// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/heads/projection.hpp>
#include <pretext/losses/alignment_uniformity.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// Learning by alignment and uniformity on the hypersphere (Wang & Isola 2020): the two views of an image
/// shall be close, and the images spread evenly. Batch norm normalises each view separately.
template <Shape Images, class Encoder, class Head = simclr_head<channels_of<output_of<Encoder, Images>>>>
using hypersphere = joint_embedding<Images, encoder<Encoder>, projector<Head>,
                                    statistics<per_view_statistics>, loss<alignment_uniformity>>;

}  // namespace pretext::inline v0_1
