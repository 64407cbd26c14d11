// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/encoders/masked/mask_token.hpp>
#include <pretext/encoders/vit.hpp>
#include <pretext/heads/linear_decoder.hpp>
#include <pretext/masking/block_masking.hpp>
#include <pretext/methods/masked_modeling.hpp>

namespace pretext::inline v0_1 {

/// SimMIM's loss (Xie et al. 2022, eq. 1 and the official code): |x - x̂| over masked pixels, not normalised.
struct simmim_pixels : masked_pixels {
  simmim_pixels() : masked_pixels{.normalise = false, .error = pixel_error::absolute, .slack = 1e-5} {}
};

/// SimMIM: A Simple Framework for Masked Image Modeling (Xie et al. 2022): a learned token replaces blocks of
/// patches, the encoder runs on all tokens, and one linear layer predicts the masked pixels.
template <ImageShape Images, class Encoder, class Masking = block_masking<>>
using simmim = masked_modeling<Images, encoder<Encoder>, mask_mode<mask_tokens>, masking<Masking>,
                               decoder<linear_decoder>, loss<simmim_pixels>>;

}  // namespace pretext::inline v0_1
