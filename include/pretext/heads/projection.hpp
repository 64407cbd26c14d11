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

/// The projector of Barlow Twins (Zbontar et al. 2021) and VICReg (Bardes et al. 2022), a feature (D) to
/// (Out): linear - BN - ReLU twice, then linear, without biases in Barlow Twins' code. VICReg's has them
/// before batch norm, which removes them again; lightly's has the last one.
template <std::size_t Hidden = 8192, std::size_t Out = Hidden, bias First = bias::no, bias Last = bias::no,
          class Init = torch_init>
struct three_layer_head
    : sequential<named<
          "layers", sequential<linear<Hidden, First, Init>, batch_norm<>, relu, linear<Hidden, First, Init>,
                               batch_norm<>, relu, linear<Out, Last, Init>>>> {};

/// MoCo v3's projector for ResNets (Chen et al. 2021), a feature (D) to (Out): linear - BN - ReLU - linear -
/// BN without γ and β, no biases. The predictor is `byol_head<4096, 256, bias::no>`.
template <std::size_t Hidden = 4096, std::size_t Out = 256>
struct moco_v3_head : simclr_head<Hidden, Out, affine::none, torch_init> {};

}  // namespace pretext::inline v0_1
