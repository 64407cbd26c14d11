// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <ratio>

#include <pretext/layers/batch_norm.hpp>
#include <pretext/layers/gelu.hpp>
#include <pretext/layers/l2_normalize.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/layers/weight_norm_linear.hpp>

namespace pretext::inline v0_1 {

/// What normalises the hidden layers of a DINO head: nothing, for vision transformers, or batch norm, for
/// convolutional networks (`use_bn_in_head`).
enum class hidden_norm { none, batch };

namespace detail {

using dino_init = truncated_normal_init<std::ratio<1, 50>>;

template <std::size_t Hidden, std::size_t Bottleneck, hidden_norm Norm>
struct dino_layers;
template <std::size_t Hidden, std::size_t Bottleneck>
struct dino_layers<Hidden, Bottleneck, hidden_norm::none>
    : sequential<linear<Hidden, bias::yes, dino_init>, gelu, linear<Hidden, bias::yes, dino_init>, gelu,
                 linear<Bottleneck, bias::yes, dino_init>> {};
template <std::size_t Hidden, std::size_t Bottleneck>
struct dino_layers<Hidden, Bottleneck, hidden_norm::batch>
    : sequential<linear<Hidden, bias::yes, dino_init>, batch_norm<>, gelu,
                 linear<Hidden, bias::yes, dino_init>, batch_norm<>, gelu,
                 linear<Bottleneck, bias::yes, dino_init>> {};

}  // namespace detail

/// The part of a DINO head before its last layer, a feature (D) to a bottleneck of unit length: linear - GELU
/// twice, linear, L2 normalisation. Parameter paths: layers.0 ….
template <std::size_t Hidden = 2048, std::size_t Bottleneck = 256, hidden_norm Norm = hidden_norm::none>
struct dino_bottleneck
    : sequential<named<"layers", detail::dino_layers<Hidden, Bottleneck, Norm>>, l2_normalize> {};

/// DINO's head (Caron et al. 2021, official code), a feature (D) to the scores of Out prototypes:
/// `dino_bottleneck`, then a weight-normalised linear layer, whose gains are learned or stay 1 (`Gain`, the
/// official norm_last_layer). DINOv2's heads and iBOT's shared head are the same. Parameter paths: layers.0
/// …, last_layer.weight_g, last_layer.weight_v. The last layer is in group 1, which the official recipe
/// freezes in the first epoch.
template <std::size_t Out = 65536, std::size_t Hidden = 2048, std::size_t Bottleneck = 256,
          weight_gain Gain = weight_gain::fixed, hidden_norm Norm = hidden_norm::none>
struct dino_head : sequential<named<"layers", detail::dino_layers<Hidden, Bottleneck, Norm>>, l2_normalize,
                              named<"last_layer", in_group<1, weight_norm_linear<Out, Gain>>>> {};

}  // namespace pretext::inline v0_1
