#pragma once
#include <cstddef>

#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// Tokens of a sample: `lead` that stand for no place (a class token), then one for every place, or for the
/// first `visible` of an order of places only.
struct token_rows {
  std::size_t lead, places, visible, columns;
  constexpr std::size_t all() const { return lead + places; }
  constexpr std::size_t seen() const { return lead + visible; }
  constexpr std::size_t hidden() const { return places - visible; }
};

/// The hidden places' tokens, in the order's order; without an order, the last places'. Backward, every other
/// token's gradient is 0.
///   forward(place, token_rows, batch, const std::uint32_t* order, const T* x, T* y)
///   backward(place, token_rows, batch, const std::uint32_t* restore, const T* dy, T* dx)
template <class Device>
struct hidden_tokens : missing<Device> {};

/// Visible tokens back at their places, one learned token at every hidden place, and positions added:
///   y = x[restore] + position, or token + position, in one pass.
///   forward(place, token_rows, batch, const std::uint32_t* restore, const T* x, const W* token,
///   const W* positions, T* y)
///   backward(place, token_rows, batch, const std::uint32_t* order, const T* dy, T* dx, W* dtoken)
template <class Device>
struct restored_tokens : missing<Device> {};

}  // namespace pretext::kernels
