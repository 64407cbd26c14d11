// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/encoders/vit.hpp>
#include <pretext/heads/ijepa_predictor.hpp>
#include <pretext/losses/feature_regression.hpp>
#include <pretext/masking/multi_block_masking.hpp>
#include <pretext/methods/feature_prediction.hpp>

namespace pretext::inline v0_1 {

/// I-JEPA (Assran et al. 2023): from a context block of an image, the features of four other blocks are
/// predicted that a moving average of the encoder computes from the whole image. `Encoder` is a `vit` with
/// the recipe `ijepa_pretraining`. The official momentum rises linearly from 0.996 to 1.
template <ImageShape Images, class Encoder, class Predictor = ijepa_predictor<>,
          class Masking = multi_block_masking<>>
using ijepa = feature_prediction<Images, encoder<Encoder>, predictor<Predictor>, masking<Masking>,
                                 loss<feature_regression>, target<ema>>;

// For 32-pixel images, which have no official recipe: the predictor has half the width of the encoder and the
// same number of heads.
/// I-JEPA with ViT-Ti/4 on 32-pixel images.
using ijepa_vit_tiny_4 = ijepa<shape<32, 32, 3>, vit_tiny<4, ijepa_pretraining>, ijepa_predictor<96, 6, 3>>;
/// I-JEPA with ViT-S/4 on 32-pixel images.
using ijepa_vit_small_4 =
    ijepa<shape<32, 32, 3>, vit_small<4, ijepa_pretraining>, ijepa_predictor<192, 6, 6>>;

}  // namespace pretext::inline v0_1
