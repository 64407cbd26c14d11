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

/// The projector of LeJEPA (Balestriero & LeCun 2025, official example), a feature (D) to (Out): the same
/// with a bias in the last layer alone.
template <std::size_t Hidden = 2048, std::size_t Out = 128>
struct lejepa_head : three_layer_head<Hidden, Out, bias::no, bias::yes> {};

/// The head of MoCo v2 (Chen et al. 2020c), a feature (D) to (Out): linear - ReLU - linear, with biases and
/// without batch norm; also that of ReSSL and SupCon.
template <std::size_t Hidden = 2048, std::size_t Out = 128>
struct moco_v2_head : sequential<named<"layers", sequential<linear<Hidden>, relu, linear<Out>>>> {};

/// MoCo v3's projector for ResNets (Chen et al. 2021), a feature (D) to (Out): linear - BN - ReLU - linear -
/// BN without γ and β, no biases. The predictor is `byol_head<4096, 256, bias::no>`.
template <std::size_t Hidden = 4096, std::size_t Out = 256>
struct moco_v3_head : simclr_head<Hidden, Out, affine::none, torch_init> {};

/// MoCo v3's projector for vision transformers: one more hidden layer. The predictor is
/// `moco_v3_head<4096, 256>`.
template <std::size_t Hidden = 4096, std::size_t Out = 256>
struct moco_v3_vit_head : simclr_v2_head<Hidden, Out, affine::none, torch_init> {};

/// SimSiam's projector (Chen & He 2021, §3), a feature (D) to (Out): linear - BN three times, ReLU between
/// them, the last BN without γ and β, no biases. The official code has a frozen one in front of the last BN,
/// which removes it.
template <std::size_t Hidden = 2048, std::size_t Out = Hidden>
struct simsiam_head : simclr_v2_head<Hidden, Out, affine::none, torch_init> {};

/// SimSiam's predictor, (Out) to (Out) through a bottleneck: linear - BN - ReLU - linear, a bias in the last
/// layer alone.
template <std::size_t Bottleneck = 512, std::size_t Out = 2048>
struct simsiam_predictor : byol_head<Bottleneck, Out, bias::no, bias::yes> {};

/// NNCLR's projector (Dwibedi et al. 2021, §3.2), a feature (D) to (Out): SimSiam's with γ and β in the last
/// BN.
template <std::size_t Hidden = 2048, std::size_t Out = 256>
struct nnclr_head : simclr_v2_head<Hidden, Out, affine::both, torch_init> {};

/// NNCLR's predictor, (Out) to (Out): linear - BN - ReLU - linear, a bias in the last layer alone.
template <std::size_t Hidden = 4096, std::size_t Out = 256>
struct nnclr_predictor : byol_head<Hidden, Out, bias::no, bias::yes> {};

}  // namespace pretext::inline v0_1
