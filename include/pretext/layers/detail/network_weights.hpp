// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/core/concepts.hpp>
#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/kernels/elementwise.hpp>

namespace pretext::inline v0_1 {

/// The flat buffers of a network for one run of it. Where activations are stored in fewer bits than weights,
/// matrix products multiply rounded copies of the weights, which are made here, in memory from `from`: one
/// pass over the weights per run, and the copies are never out of date, whatever has changed the weights.
/// `gradient` may be null.
template <class Context>
weights<Context> network_weights(Context& context, arena<typename Context::device>& from, std::size_t count,
                                 typename Context::weight* value, typename Context::weight* gradient) {
  using T = typename Context::activation;
  if constexpr (std::same_as<T, typename Context::weight>) {
    return {value, gradient};
  } else {
    T* const rounded = from.template allocate<T>(count);
    kernels::elementwise<typename Context::device>::copy(context, count, value, rounded);
    return {value, gradient, rounded};
  }
}

/// Runs a network in inference mode on a flat buffer of its values. Throws std::invalid_argument unless `y`
/// has as many samples as `x`.
template <class Network, class Context, Shape In, Shape Out>
void infer_network(Context& context, typename Context::weight* value, reads<Context, In> x,
                   writes<Context, Out> y) {
  expects(x.batch == y.batch, "the outputs of ", x.batch, " samples do not fit into a tensor of ", y.batch,
          "; give it the same batch size");
  if (x.batch == 0) return;
  const arena_scope guard{context.workspace};
  Network::infer(
      context, network_weights(context, context.workspace, weight_count<Network, In>, value, nullptr), x, y);
}

}  // namespace pretext::inline v0_1
