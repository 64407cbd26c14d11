#pragma once
// Whole layers whose kernels no other topic covers, each compared with the CPU's: outputs in training and in
// inference, gradients, weights after the start of a step.
#include <cmath>
#include <cstddef>
#include <vector>

#include <pretext/encoders/mobilenet_v3.hpp>
#include <pretext/encoders/vit_recipes.hpp>
#include <pretext/kernels/gpu/operations.hpp>
#include <pretext/layers/begin_step.hpp>
#include <pretext/layers/convnext_block.hpp>
#include <pretext/layers/depthwise_convolution.hpp>
#include <pretext/layers/detail/network_weights.hpp>
#include <pretext/layers/fused_convolution.hpp>
#include <pretext/layers/l2_normalize.hpp>
#include <pretext/layers/positioned_tokens.hpp>
#include <pretext/layers/prototypes.hpp>
#include <pretext/layers/swiglu_mlp.hpp>
#include <pretext/layers/weight_norm_linear.hpp>

#include "device_pair.hpp"

namespace pretext::tests {

/// `rounded` as in `same_on_both`.
template <class Device, class L, class In>
void layer_matches(std::size_t batch, int rounded = 1) {
  same_on_both<Device>(
      [=]<class Context>(workbench<Context>& at) {
        using W = typename Context::weight;
        using Out = output_of<L, In>;
        auto start = random_values<W>(weight_count<L, In>, 1);
        for (const parameter& p : parameters_of<L, In>)
          for (std::size_t i = p.offset; p.role == parameter_role::buffer && i < p.offset + p.size(); ++i)
            start[i] = W(0.5) + std::abs(start[i]);
        W *const value = at.out(start), *const gradient = at.out(random_values<W>(start.size(), 2));
        begin_step<L, In>(at.context, value);
        const auto w = network_weights(at.context, at.context.activations, start.size(), value, gradient);
        const reads<Context, In> x{at.in(at.activations(batch * In::size, 3)), batch};
        const reads<Context, Out> dy{at.in(at.activations(batch * Out::size, 4)), batch};
        L::infer(at.context, w, x, writes<Context, Out>{at.out(batch * Out::size), batch});
        cache_of<L, In, Context> cache;
        L::forward(at.context, w, x, writes<Context, Out>{at.out(batch * Out::size), batch}, cache);
        L::backward(at.context, w, cache, dy, writes<Context, In>{at.out(batch * In::size), batch});
        L::backward(at.context, w, cache, dy, writes<Context, In>{nullptr, batch});
      },
      rounded);
}

template <class Device>
void normalised_rows() {
  layer_matches<Device, l2_normalize, shape<300>>(5);
  layer_matches<Device, l2_normalize, shape<7, 9>>(3);
  layer_matches<Device, weight_norm_linear<40>, shape<33>>(6, 2);
  layer_matches<Device, weight_norm_linear<5, weight_gain::fixed>, shape<3, 260>>(2, 2);
  layer_matches<Device, prototypes<70>, shape<24>>(6);
}

struct with_registers : supervised_init {
  static constexpr std::size_t registers = 2;
};
struct antialiased_registers : with_registers {
  static constexpr bool class_token_has_position = false;
  static constexpr position_resampling resampling = position_resampling::antialiased;
};

/// Convolutions whose libraries may sum their results for batch norm; of the third with one plan in the mock
/// of cuDNN, of the fourth with none.
template <class Device>
void normalised_convolutions() {
  // One input of this ReLU rounds to the other sign.
  layer_matches<Device, fused_convolution<"conv", "bn", convolution<24, 3>>, shape<5, 6, 16>>(3, 24);
  layer_matches<Device, fused_convolution<"conv", "bn", convolution<16, 1>, activation::none>,
                shape<4, 7, 24>>(2, 4);
  layer_matches<Device, fused_convolution<"conv", "bn", convolution<16, 3, 2>>, shape<6, 7, 8>>(4, 4);
  layer_matches<Device, fused_convolution<"conv", "bn", convolution<8, 7, 2>>, shape<11, 9, 3>>(2, 4);
}

template <class Device>
void depthwise_convolutions() {
  layer_matches<Device, depthwise_convolution<3, 1, 1, bias::no>, shape<5, 9, 24>>(3, 2);
  layer_matches<Device, depthwise_convolution<3, 2>, shape<7, 6, 5>>(2, 2);
  layer_matches<Device, depthwise_convolution<5, 2>, shape<6, 11, 40>>(2, 2);
  layer_matches<Device, depthwise_convolution<7>, shape<9, 14, 264>>(3, 2);  // two blocks of channels
  layer_matches<Device, depthwise_convolution<7>, shape<30, 31, 8>>(20, 2);  // several of results
  layer_matches<Device, convnext_block, shape<4, 5, 16>>(2, 6);
}

template <class Device>
void parts_of_mobile_networks() {
  layer_matches<Device, hard_swish, shape<7, 40>>(3);
  layer_matches<Device, hard_sigmoid, shape<300>>(3);
  layer_matches<Device, squeeze_excitation<8>, shape<5, 6, 40>>(3, 3);
  // The gradient of the input has gone through three batch norms, each of which magnifies what was rounded.
  layer_matches<Device, inverted_residual<16, 3, 24, 16, squeeze::yes, hard_swish, 1>, shape<6, 5, 16>>(4,
                                                                                                        20);
  layer_matches<Device, inverted_residual<16, 5, 16, 24, squeeze::no, relu, 2>, shape<7, 6, 16>>(4, 6);
}

template <class Device>
void parts_of_transformers() {
  layer_matches<Device, positioned_tokens<2, 3, with_registers, 5, 4>, shape<6, 40>>(3);
  layer_matches<Device, positioned_tokens<3, 5, antialiased_registers, 4, 2>, shape<15, 300>>(2);
  layer_matches<Device, swiglu_mlp<>, shape<5, 24>>(3, 4);
  for (const std::size_t columns : {5u, 48u})
    for (const bool scaled : {false, true})
      same_on_both<Device>([=]<class Context>(workbench<Context>& at) {
        using W = typename Context::weight;
        using sum = kernels::layer_scale<typename Context::device>;
        const kernels::scaled_sum_extents e{12, columns, 4};
        const auto shortcut = at.activations(12 * columns, 1), branch = at.activations(12 * columns, 2),
                   dy = at.activations(12 * columns, 3);
        const auto gamma = random_values<W>(columns, 4), of_samples = random_values<W>(3, 5);
        const W* const branch_scale = scaled ? at.in(of_samples) : nullptr;
        sum::forward(at.context, e, at.in(shortcut), at.in(branch), at.in(gamma), branch_scale,
                     at.out(12 * columns));
        sum::backward(at.context, e, at.in(dy), at.in(branch), at.in(gamma), branch_scale,
                      at.out(12 * columns), at.out(random_values<W>(columns, 6)));
      });
}

}  // namespace pretext::tests
