// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/encoders/vit.hpp>
#include <pretext/heads/decoder.hpp>
#include <pretext/methods/masked_modeling.hpp>

namespace pretext::inline v0_1 {

/// Masked Autoencoders Are Scalable Vision Learners (He et al. 2022): the encoder sees a quarter of the
/// patches, a small decoder predicts the normalised pixels of the others. Parameter paths are the official
/// ones.
template <ImageShape Images, class Encoder, class Decoder = mae_decoder<>, class Masking = random_masking<>>
using mae = masked_modeling<Images, encoder<Encoder>, mask_mode<drop_masked>, masking<Masking>,
                            decoder<Decoder>, loss<masked_pixels>>;

// The published sizes, for 224-pixel images (He et al. 2022, §4).
/// MAE with ViT-B/16 on 224-pixel images.
using mae_vit_base_16 = mae<shape<224, 224, 3>, vit_base<16>>;
/// MAE with ViT-L/16 on 224-pixel images.
using mae_vit_large_16 = mae<shape<224, 224, 3>, vit_large<16>>;
/// MAE with ViT-H/14 on 224-pixel images.
using mae_vit_huge_14 = mae<shape<224, 224, 3>, vit_huge<14>>;

// For 32-pixel images, which have no official recipe: the decoder has the width of a ViT-Ti and four blocks.
// A patch of 2 pixels has 12 values, too few for a useful variance: train those with
// `.loss = {.normalise = false}`.
/// MAE with ViT-Ti/4 on 32-pixel images.
using mae_vit_tiny_4 = mae<shape<32, 32, 3>, vit_tiny<4>, mae_decoder<192, 4, 3>>;
/// MAE with ViT-Ti/2 on 32-pixel images.
using mae_vit_tiny_2 = mae<shape<32, 32, 3>, vit_tiny<2>, mae_decoder<192, 4, 3>>;
/// MAE with ViT-S/4 on 32-pixel images.
using mae_vit_small_4 = mae<shape<32, 32, 3>, vit_small<4>, mae_decoder<192, 4, 3>>;

}  // namespace pretext::inline v0_1
