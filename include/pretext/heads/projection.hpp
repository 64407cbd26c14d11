// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/layers/batch_norm.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/relu.hpp>
#include <pretext/layers/sequential.hpp>

namespace pretext::inline v0_1 {

/// SimCLR's projection head, version 1 (Chen et al. 2020, §2.1), a feature (D) to (Out): linear - BN - ReLU -
/// linear - BN without β, no biases, weights of deviation 0.01, as in the official code. Parameter paths are
/// lightly's: layers.0, layers.1, layers.3, layers.4.
template <std::size_t Hidden, std::size_t Out = 128, affine LastAffine = affine::scale,
          class Init = normal_init<std::ratio<1, 100>>>
struct simclr_head
    : sequential<named<"layers", sequential<linear<Hidden, bias::no, Init>, batch_norm<>, relu,
                                            linear<Out, bias::no, Init>, batch_norm<LastAffine>>>> {};

/// The same with one more hidden layer: version 2's default (Chen et al. 2020b).
template <std::size_t Hidden, std::size_t Out = 128, affine LastAffine = affine::scale,
          class Init = normal_init<std::ratio<1, 100>>>
struct simclr_v2_head
    : sequential<named<"layers", sequential<linear<Hidden, bias::no, Init>, batch_norm<>, relu,
                                            linear<Hidden, bias::no, Init>, batch_norm<>, relu,
                                            linear<Out, bias::no, Init>, batch_norm<LastAffine>>>> {};

/// BYOL's projector and predictor (Grill et al. 2020, §3.3), a feature (D) to (Out): linear - BN - ReLU -
/// linear, the hidden layer with a bias and the last one without, as in the official code. lightly has it the
/// other way round: `byol_head<4096, 256, bias::no, bias::yes>`.
template <std::size_t Hidden = 4096, std::size_t Out = 256, bias First = bias::yes, bias Last = bias::no,
          class Init = torch_init>
struct byol_head
    : sequential<named<
          "layers", sequential<linear<Hidden, First, Init>, batch_norm<>, relu, linear<Out, Last, Init>>>> {};

}  // namespace pretext::inline v0_1
