// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/encoders/masked/masked_network.hpp>

namespace pretext::inline v0_1 {

/// Mask mode of SimMIM: a learned token replaces each masked patch before positions are added, and the
/// encoder computes on all patches (Xie et al. 2022, §3.2). The token's path is the official one, mask_token,
/// after the encoder's parameters.
struct mask_tokens {
  template <class Encoder, class Masks>
  using network = detail::masked_network<Encoder, Masks, true>;
};

}  // namespace pretext::inline v0_1
