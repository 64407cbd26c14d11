#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// Tokens of a sample, their width, and the heads that share it.
struct attention_extents {
  std::size_t tokens, width, heads;
  PRETEXT_HOST_DEVICE constexpr std::size_t head_width() const { return width / heads; }
};

/// softmax(q·kᵀ·(width/heads)^-½)·v for each head of each sample (Vaswani et al. 2017, eq. 1). A token's row
/// of qkv is q, k, v, one after another, each of all heads. `log_sum` (batch, heads, tokens) is the logarithm
/// of each row's sum of exponentials: from it backward computes probabilities again instead of keeping them.
///   forward(place, extents, batch, const T* qkv, T* y, W* log_sum)   log_sum may be null
///   backward(place, extents, batch, const T* qkv, const T* y, const W* log_sum, const T* dy, T* dqkv)
template <class Device>
struct attention : missing<Device> {};

}  // namespace pretext::kernels
