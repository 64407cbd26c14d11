// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <ratio>

#include <pretext/encoders/vit.hpp>
#include <pretext/heads/dino.hpp>
#include <pretext/losses/msn_loss.hpp>
#include <pretext/masking/random_masking.hpp>
#include <pretext/methods/joint_embedding.hpp>

namespace pretext::inline v0_1 {

/// MSN (Assran et al. 2022): the anchors, a global view without 15 % of its patches and small focal views,
/// learn the assignment to prototypes of another, whole global view, which a moving average embeds.
/// `Images` is the shape of both global views, or a `multi_crop` whose first group they are, `Encoder` a
/// `vit` with the recipe `msn_pretraining`. The official targets are balanced, `.loss = {.iterations = 3}`.
template <class Images, class Encoder, std::size_t Prototypes = 1024,
          class Head = dino_bottleneck<2048, 256, hidden_norm::batch>,
          class Masking = random_masking<std::ratio<3, 20>>>
using msn =
    joint_embedding<Images, encoder<Encoder>, projector<Head>,
                    predictor<without_decay<weight_norm_linear<Prototypes, weight_gain::fixed>>>, target<ema>,
                    compares<one_way>, masking<Masking>, statistics<per_size_statistics>, loss<msn_loss>>;

}  // namespace pretext::inline v0_1
