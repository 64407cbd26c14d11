// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// Layer normalisation: each row of (rows, columns) to mean 0 and variance 1, then ·γ + β (Ba et al. 2016).
/// `mean` and `inverse` = 1/√(variance + ε) have one value per row.
template <class Device>
struct layer_norm : missing<Device> {};

/// The calls that a device's `layer_norm` accepts.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = layer_norm<device_of<Context>>>
concept LayerNormKernel = requires(Context& context, std::size_t rows, std::size_t columns, W epsilon,
                                   const T* x, const T* dy, const W* gamma, const W* beta, const W* mean,
                                   const W* inverse, const T* shortcut, T* out_y, W* out_mean, W* out_inverse,
                                   T* out_dx, W* dgamma, W* dbeta) {
  // out_mean and out_inverse may be null where no backward pass follows
  Kernel::forward(context, rows, columns, x, epsilon, gamma, beta, out_y, out_mean, out_inverse);
  // dx = shortcut + the gradient; the shortcut may be null and may be dx itself, dx may be null. dγ and dβ
  // are added to.
  Kernel::backward(context, rows, columns, dy, x, mean, inverse, gamma, shortcut, out_dx, dgamma, dbeta);
};

}  // namespace pretext::inline v0_1::kernels
