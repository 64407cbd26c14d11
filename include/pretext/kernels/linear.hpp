// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// A linear layer maps (rows, in) to (rows, out) with a weight (out, in).
struct linear_extents {
  std::size_t rows, in, out;
};

/// What is fused with a linear layer's product. Each pointer may be null: then its term is left out.
template <class T, class W = T>
struct linear_epilogue {
  const W* bias = nullptr;          ///< (out)
  const T* shortcut = nullptr;      ///< (rows, out)
  const W* branch_scale = nullptr;  ///< (rows / tokens), one value for every `tokens` rows
  std::size_t tokens = 1;
  const T* rounded_bias = nullptr;  ///< the bias as T, for devices that add it before they round the product
};

/// Products with a weight, fused with what follows them while their result is in a cache.
template <class Device>
struct linear : missing<Device> {};

/// The calls that a device's `linear` accepts.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = linear<device_of<Context>>>
concept LinearKernel = requires(Context& context, const linear_extents& extents, const T* x, const T* w,
                                const linear_epilogue<T, W>& epilogue, const W* bias, const T* dy,
                                const T* kept, T* out_y, T* out_kept, T* out_dx, W* dw, W* dbias) {
  // y = shortcut + branch_scale·(x·wᵀ + bias)
  Kernel::forward(context, extents, x, w, epilogue, out_y);
  // y = GELU(x·wᵀ + bias); out_kept, what backward needs of it, may be null (gelu.hpp)
  Kernel::forward_gelu(context, extents, x, w, bias, out_y, out_kept);
  // dx = the derivative of the GELU before this layer, which had `bias`, times dy·w. Returns whether it has
  // added the column sums of dx to dbias (in), too; else backward_weights of the layer before can add them.
  bool{Kernel::backward_gelu(context, extents, dy, w, kept, bias, out_dx, dbias)};
  // dw += dyᵀ·x; dbias (out) += the column sums of dy, unless null
  Kernel::backward_weights(context, extents, x, dy, dw, dbias);
};

}  // namespace pretext::inline v0_1::kernels
