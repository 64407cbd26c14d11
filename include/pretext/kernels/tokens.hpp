// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/index_list.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// The tokens of a sample: `prefix` tokens that belong to no patch (class token, registers), then those of
/// patches. A table of positions (positioned + patches, width) has rows for the first `positioned` of the
/// prefix, then for the patches of the grid.
struct sequence_extents {
  std::size_t width, prefix = 1, positioned = 1;
};

/// Prepends tokens to the patches of each sample and adds position embeddings: x (batch, count, width) to y
/// (batch, prefix + count, width).
template <class Device>
struct prepend_tokens : missing<Device> {};

/// The calls that a device's `prepend_tokens` accepts.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = prepend_tokens<device_of<Context>>>
concept PrependTokensKernel = requires(Context& context, const sequence_extents& extents, std::size_t batch,
                                       const index_list& chosen, const T* x, const W* prefix,
                                       const W* positions, const T* dy, T* out_y, T* out_dx, W* dprefix,
                                       W* dpositions) {
  // y[n, p] = prefix[p], plus positions[p] for p < positioned; y[n, prefix + j] = x[n, j] +
  // positions[positioned + chosen.position(n, j)]
  Kernel::forward(context, extents, batch, chosen, x, prefix, positions, out_y);
  // each gradient may be null
  Kernel::backward(context, extents, batch, chosen, dy, out_dx, dprefix, dpositions);
};

/// The mean of tokens [first, first + count) of each sample: (batch, tokens, width) to (batch, width).
template <class Device>
struct token_mean : missing<Device> {};

/// The calls that a device's `token_mean` accepts.
template <class Context, class T = activation_of<Context>, class Kernel = token_mean<device_of<Context>>>
concept TokenMeanKernel = requires(Context& context, std::size_t batch, std::size_t tokens, std::size_t width,
                                   std::size_t first, std::size_t count, const T* x, const T* dy, T* out_y,
                                   T* out_dx) {
  Kernel::forward(context, batch, tokens, width, first, count, x, out_y);
  // the gradient of all other tokens is 0
  Kernel::backward(context, batch, tokens, width, first, count, dy, out_dx);
};

}  // namespace pretext::inline v0_1::kernels
