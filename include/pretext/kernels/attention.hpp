// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// Tokens per sample, channels per token, and the heads that the channels are divided among.
struct attention_extents {
  std::size_t tokens, width, heads;
  PRETEXT_HOST_DEVICE constexpr std::size_t head_width() const { return width / heads; }
};

/// Multi-head self-attention: softmax(q·kᵀ·(width/heads)^-½)·v for each head of each sample (Vaswani et al.
/// 2017, eq. 1). A row of qkv (batch, tokens, 3, heads, head_width) is a token's q, k and v. `log_sum`
/// (batch, heads, tokens) is the log-sum-exp of each row of scores: backward recomputes the probabilities
/// from it, so they are never stored.
template <class Device>
struct attention : missing<Device> {};

/// The calls that a device's `attention` accepts.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = attention<device_of<Context>>>
concept AttentionKernel = requires(Context& context, const attention_extents& extents, std::size_t batch,
                                   const T* qkv, const T* y, const W* log_sum, const T* dy, T* out_y,
                                   W* out_log_sum, T* out_dqkv) {
  // out_log_sum may be null
  Kernel::forward(context, extents, batch, qkv, out_y, out_log_sum);
  Kernel::backward(context, extents, batch, qkv, y, log_sum, dy, out_dqkv);
};

}  // namespace pretext::inline v0_1::kernels
