#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// Mean over all places of each channel: (batch, places, channels) to (batch, channels).
///   forward(place, batch, places, channels, const T* x, T* y)   backward(place, batch, places, channels,
///   const T* dy, T* dx)
template <class Device>
struct average_pool : missing<Device> {};

/// A square window that moves over an image.
struct window {
  std::size_t height, width, channels, size, stride, padding;
  PRETEXT_HOST_DEVICE constexpr std::size_t out_height() const {
    return (height + 2 * padding - size) / stride + 1;
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t out_width() const {
    return (width + 2 * padding - size) / stride + 1;
  }
};

/// Largest value under each window; `chosen` remembers where it stood.
///   forward(place, window, batch, const T* x, T* y, std::uint32_t* chosen)   (chosen may be null)
///   backward(place, window, batch, const std::uint32_t* chosen, const T* dy, T* dx)
template <class Device>
struct max_pool : missing<Device> {};

}  // namespace pretext::kernels
