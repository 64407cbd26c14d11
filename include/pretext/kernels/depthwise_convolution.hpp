// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// A depthwise convolution's extents: images (height, width, channels), a square kernel of 3, 5 or 7 rows,
/// result (out_height, out_width, channels).
struct depthwise_extents {
  std::size_t height, width, channels, kernel, stride, padding;

  PRETEXT_HOST_DEVICE constexpr std::size_t out_height() const {
    return (height + 2 * padding - kernel) / stride + 1;
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t out_width() const {
    return (width + 2 * padding - kernel) / stride + 1;
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t taps() const { return kernel * kernel; }
};

/// Cross-correlation of each channel of zero-padded, channels-last images with a kernel of its own: weights
/// (kernel, kernel, channels), which keep their precision whatever activations are stored as.
template <class Device>
struct depthwise_convolution : missing<Device> {};

/// The calls that a device's `depthwise_convolution` accepts.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = depthwise_convolution<device_of<Context>>>
concept DepthwiseConvolutionKernel = requires(Context& context, const depthwise_extents& extents,
                                              std::size_t batch, const T* x, const W* w, const W* bias,
                                              const T* dy, T* out_y, T* out_dx, W* dw) {
  // the bias (channels) may be null
  Kernel::forward(context, extents, batch, x, w, bias, out_y);
  Kernel::backward_data(context, extents, batch, dy, w, out_dx);
  Kernel::backward_weights(context, extents, batch, x, dy, dw);
};

}  // namespace pretext::inline v0_1::kernels
