#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/index_list.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// Tokens of a sample: `prefix_tokens` that stand for no place (a class token), then one for every place of a
/// grid.
struct token_extents {
  std::size_t prefix_tokens, patches, width;
  PRETEXT_HOST_DEVICE constexpr std::size_t tokens() const { return prefix_tokens + patches; }
};

/// The tokens of chosen places: (batch, lead + places, width) to (batch, count, width). Backward, the
/// gradient of every other token is 0.
///   forward(place, extents, batch, choice, const T* x, T* y)
///   backward(place, extents, batch, choice, const T* dy, T* dx)
template <class Device>
struct gather_tokens : missing<Device> {};

/// The tokens of chosen places back where they belong, one learned token at every other place, positions
/// added, in one pass: (batch, lead + count, width) to (batch, lead + places, width). `order` lists all
/// places of each sample, the chosen ones first; positions (lead + places, width) may be null for none.
///   forward(place, extents, batch, count, choice order, const T* x, const W* token, const W* positions,
///           T* y)
///   backward(place, extents, batch, count, choice order, const T* dy, T* dx, W* dtoken)   dtoken is added to
template <class Device>
struct scatter_tokens : missing<Device> {};

}  // namespace pretext::kernels
