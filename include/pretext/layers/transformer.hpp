// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/layers/block_stack.hpp>
#include <pretext/layers/transformer_block.hpp>

namespace pretext::inline v0_1 {

/// `Depth` transformer blocks one after another, (T, D) to (T, D) for any number of tokens; parameter paths
/// begin with the index of the block. Their drop rates are those of `block_stack`.
template <std::size_t Depth, std::size_t Heads, std::size_t Ratio = 4, class Init = xavier_uniform,
          class Perceptron = mlp<Ratio, Init>, class Scale = no_layer_scale>
struct transformer : block_stack<transformer_block<Heads, Ratio, Init, Perceptron, Scale>, Depth> {};

}  // namespace pretext::inline v0_1
