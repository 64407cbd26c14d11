#pragma once
// Whole layers whose kernels no other topic covers, each compared with the CPU's: outputs in training and in
// inference, gradients, weights after the start of a step.
#include <cmath>
#include <cstddef>
#include <vector>

#include <pretext/kernels/gpu/operations.hpp>
#include <pretext/layers/begin_step.hpp>
#include <pretext/layers/detail/network_weights.hpp>
#include <pretext/layers/l2_normalize.hpp>
#include <pretext/layers/prototypes.hpp>
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

}  // namespace pretext::tests
