// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// y = max(0, x) of n elements; NaN stays NaN.
template <class Device>
struct relu : missing<Device> {};

/// The calls that a device's `relu` accepts.
template <class Context, class T = activation_of<Context>, class Kernel = relu<device_of<Context>>>
concept ReluKernel = requires(Context& context, std::size_t n, const T* x, const T* y, const T* dy, T* out_y,
                              T* out_dx) {
  Kernel::forward(context, n, x, out_y);
  // dx = dy where y > 0, else 0; dx may be dy
  Kernel::backward(context, n, y, dy, out_dx);
};

/// Sums and copies of n elements.
template <class Device>
struct elementwise : missing<Device> {};

/// The calls that a device's `elementwise` accepts.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = elementwise<device_of<Context>>>
concept ElementwiseKernel = requires(Context& context, std::size_t n, W a, const T* x, const W* w, T* y,
                                     T* out_y) {
  // y += a·x
  Kernel::axpy(context, n, a, x, y);
  // y = a·y + (1-a)·x, an exponential moving average
  Kernel::lerp(context, n, a, x, y);
  // y = x; from W to T it rounds
  Kernel::copy(context, n, x, out_y);
  Kernel::copy(context, n, w, out_y);
};

/// One bias per column of (rows, columns).
template <class Device>
struct channel_bias : missing<Device> {};

/// The calls that a device's `channel_bias` accepts.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = channel_bias<device_of<Context>>>
concept ChannelBiasKernel = requires(Context& context, std::size_t rows, std::size_t columns, const W* bias,
                                     const T* dy, T* y, W* dbias) {
  // y[r, c] += bias[c]
  Kernel::add(context, rows, columns, bias, y);
  // dbias[c] += Σ_r dy[r, c]
  Kernel::sum(context, rows, columns, dy, dbias);
};

}  // namespace pretext::inline v0_1::kernels
