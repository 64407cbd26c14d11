// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/context.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/core/tensor.hpp>

namespace pretext::inline v0_1 {

/// The output shape of layer L for samples of shape In.
template <class L, class In>
using output_of = typename L::template output<In>;

/// The values that L stores in forward and reads in backward.
template <class L, class In, class Context>
using cache_of = typename L::template cache<In, Context>;

/// L's parameter table: names, extents, offsets.
template <class L, class In>
inline constexpr auto parameters_of = with_offsets(L::template parameters<In>());

/// Elements of L's slice of the flat buffers.
template <class L, class In>
inline constexpr std::size_t weight_count = parameter_count(parameters_of<L, In>);

/// Has L an output shape for samples of shape In?
template <class L, class In>
concept Accepts = requires {
  typename L::template output<In>;
};

/// A layer as far as it can be checked before a device is chosen: an output shape and a parameter table.
template <class L, class In>
concept LayerSpec = Accepts<L, In> && requires {
  {L::template parameters<In>().size()};
};

/// A layer declares its output shape, its parameters and its cache, and computes `forward`, `backward` and
/// `infer`, a forward pass without a cache. `y` and `dx` are overwritten, `dx` may be null, gradients are
/// accumulated. Layers have no state: all members are static.
template <class L, class In, class Context>
concept Layer = Accepts<L, In> &&
    requires(Context context, weights<Context> w, cache_of<L, In, Context> cache, reads<Context, In> x,
             writes<Context, In> dx, reads<Context, output_of<L, In>> dy,
             writes<Context, output_of<L, In>> y) {
  {L::template parameters<In>().size()};
  L::forward(context, w, x, y, cache);
  L::backward(context, w, cache, dy, dx);
  L::infer(context, w, x, y);
};

}  // namespace pretext::inline v0_1
