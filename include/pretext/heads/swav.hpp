// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/layers/batch_norm.hpp>
#include <pretext/layers/l2_normalize.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/prototypes.hpp>
#include <pretext/layers/relu.hpp>
#include <pretext/layers/sequential.hpp>

namespace pretext::inline v0_1 {

/// SwAV's projector (Caron et al. 2020, official code), a feature (D) to an embedding (Out) of unit length:
/// linear - BN - ReLU - linear, with biases, then L2 normalisation. Its scores are those of `prototypes`, the
/// predictor.
template <std::size_t Hidden = 2048, std::size_t Out = 128>
struct swav_head
    : sequential<named<"layers", sequential<linear<Hidden>, batch_norm<>, relu, linear<Out>>>, l2_normalize> {
};

}  // namespace pretext::inline v0_1
