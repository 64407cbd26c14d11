// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// Global average pooling: the mean of each channel over all positions, (batch, positions, channels) to
/// (batch, channels).
template <class Device>
struct average_pool : missing<Device> {};

/// The calls that a device's `average_pool` accepts.
template <class Context, class T = activation_of<Context>, class Kernel = average_pool<device_of<Context>>>
concept AveragePoolKernel = requires(Context& context, std::size_t batch, std::size_t positions,
                                     std::size_t channels, const T* x, const T* dy, T* out_y, T* out_dx) {
  Kernel::forward(context, batch, positions, channels, x, out_y);
  Kernel::backward(context, batch, positions, channels, dy, out_dx);
};

/// A square window that slides over an image (height, width, channels).
struct window {
  std::size_t height, width, channels, size, stride, padding;
  PRETEXT_HOST_DEVICE constexpr std::size_t out_height() const {
    return (height + 2 * padding - size) / stride + 1;
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t out_width() const {
    return (width + 2 * padding - size) / stride + 1;
  }
};

/// Max pooling: the largest value of each channel under each window, NaN before all others. `chosen` (batch,
/// out_height, out_width, channels) is the index of its pixel within the image.
template <class Device>
struct max_pool : missing<Device> {};

/// The calls that a device's `max_pool` accepts.
template <class Context, class T = activation_of<Context>, class Kernel = max_pool<device_of<Context>>>
concept MaxPoolKernel = requires(Context& context, const window& extents, std::size_t batch, const T* x,
                                 const std::uint32_t* chosen, const T* dy, T* out_y,
                                 std::uint32_t* out_chosen, T* out_dx) {
  // out_chosen may be null where no backward pass follows
  Kernel::forward(context, extents, batch, x, out_y, out_chosen);
  Kernel::backward(context, extents, batch, chosen, dy, out_dx);
};

}  // namespace pretext::inline v0_1::kernels
