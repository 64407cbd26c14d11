// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/index_list.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// Tokens of a sample: `prefix_tokens` without a grid position (a class token), then one for every patch.
struct token_extents {
  std::size_t prefix_tokens, patches, width;
  PRETEXT_HOST_DEVICE constexpr std::size_t tokens() const { return prefix_tokens + patches; }
};

/// The tokens of chosen patches: (batch, prefix_tokens + patches, width) to (batch, count, width).
template <class Device>
struct gather_tokens : missing<Device> {};

/// The calls that a device's `gather_tokens` accepts.
template <class Context, class T = activation_of<Context>, class Kernel = gather_tokens<device_of<Context>>>
concept GatherTokensKernel = requires(Context& context, const token_extents& extents, std::size_t batch,
                                      const index_list& chosen, const T* x, const T* dy, T* out_y,
                                      T* out_dx) {
  Kernel::forward(context, extents, batch, chosen, x, out_y);
  // the gradient of all other tokens is 0
  Kernel::backward(context, extents, batch, chosen, dy, out_dx);
};

/// MAE's unshuffle: puts the tokens of chosen patches back in their positions, a learned mask token in all
/// others, and adds position embeddings, in one pass: (batch, prefix_tokens + count, width) to (batch,
/// prefix_tokens + patches, width). `order` lists all patches of each sample, the `count` chosen ones first.
template <class Device>
struct scatter_tokens : missing<Device> {};

/// The calls that a device's `scatter_tokens` accepts.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = scatter_tokens<device_of<Context>>>
concept ScatterTokensKernel = requires(Context& context, const token_extents& extents, std::size_t batch,
                                       std::size_t count, const index_list& order, const T* x,
                                       const W* mask_token, const W* positions, const T* dy, T* out_y,
                                       T* out_dx, W* dmask_token) {
  // mask_token (width); positions (prefix_tokens + patches, width) may be null
  Kernel::forward(context, extents, batch, count, order, x, mask_token, positions, out_y);
  Kernel::backward(context, extents, batch, count, order, dy, out_dx, dmask_token);
};

}  // namespace pretext::inline v0_1::kernels
