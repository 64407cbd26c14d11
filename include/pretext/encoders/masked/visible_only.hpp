// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/encoders/masked/masked_network.hpp>

namespace pretext::inline v0_1 {

/// Mask mode of MAE: masked patches are dropped, and the encoder computes on the visible ones alone (He et
/// al. 2022, §3). Its tokens are those of the class and of the visible patches.
struct drop_masked {
  template <class Encoder, class Masks>
  using network = detail::masked_network<Encoder, Masks, false>;
};

}  // namespace pretext::inline v0_1
