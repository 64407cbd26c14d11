// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/index_list.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// Prepends the class token to the patches of each sample and adds position embeddings: x (batch, count,
/// width) to y (batch, 1 + count, width). Row 0 of positions (1 + patches, width) is the class token's.
template <class Device>
struct prepend_class_token : missing<Device> {};

/// The calls that a device's `prepend_class_token` accepts.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = prepend_class_token<device_of<Context>>>
concept PrependClassTokenKernel = requires(Context& context, std::size_t batch, std::size_t width,
                                           const index_list& chosen, const T* x, const W* class_token,
                                           const W* positions, const T* dy, T* out_y, T* out_dx,
                                           W* dclass_token, W* dpositions) {
  // y[n, 0] = class_token + positions[0];  y[n, 1 + j] = x[n, j] + positions[1 + chosen.position(n, j)]
  Kernel::forward(context, batch, width, chosen, x, class_token, positions, out_y);
  // each gradient may be null
  Kernel::backward(context, batch, width, chosen, dy, out_dx, dclass_token, dpositions);
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
