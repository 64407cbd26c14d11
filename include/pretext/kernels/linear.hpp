#pragma once
#include <cstddef>

#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// Rows, and the numbers of each before and after a linear layer.
struct linear_extents {
  std::size_t rows, in, out;
};

/// What surrounds the product of a linear layer: y = shortcut + keep·(x·wᵀ + bias). Each may be null; keep
/// has a factor for every `tokens` rows. Rows are stored as T, numbers that many of them share are W.
template <class T, class W = T>
struct linear_epilogue {
  const W* bias = nullptr;
  const T* shortcut = nullptr;
  const W* branch_scale = nullptr;
  std::size_t tokens = 1;
  const T* rounded_bias = nullptr;  ///< the bias once more, for products that add it before they round
};

/// Products of rows with a weight w (out, in), and what follows them while their result is still in the
/// cache.
///   forward(place, extents, const T* x, const T* w, linear_epilogue<T, W>, T* y)
///   forward_gelu(place, extents, const T* x, const T* w, const W* bias, T* y, T* slope)
///     y = gelu(x·wᵀ + bias); slope gets the derivative there, or is null
///   backward_gelu(place, extents, const T* dy, const T* w, const T* slope, T* dx, W* dbias)
///     dx = slope ∘ (dy·w), where slope belongs to the layer's input; dbias += its sums over rows
///   backward_weights(place, extents, const T* x, const T* dy, W* dw, W* dbias)
///     dw += dyᵀ·x; dbias += the sums of dy over rows, unless it is null
template <class Device>
struct linear : missing<Device> {};

}  // namespace pretext::kernels
