#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// A convolution's extents: images (height, width, in), kernel (rows, columns, in, out), result (out_height,
/// out_width, out).
struct convolution_extents {
  std::size_t height, width, in, out;
  std::size_t rows, columns, stride, padding;

  PRETEXT_HOST_DEVICE constexpr std::size_t out_height() const {
    return (height + 2 * padding - rows) / stride + 1;
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t out_width() const {
    return (width + 2 * padding - columns) / stride + 1;
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t taps() const { return rows * columns; }
  PRETEXT_HOST_DEVICE constexpr std::size_t weights() const { return taps() * in * out; }
};

/// Cross-correlation of a batch of channels-last images, weights kept as (rows, columns, in, out).
///   forward(place, extents, batch, const T* x, const T* w, T* y)
///   backward_data(place, extents, batch, const T* dy, const T* w, T* dx, into)
///   backward_weights(place, extents, batch, const T* x, const T* dy, W* dw)      adds to dw
/// Where `takes_moments` says so, `forward` has one more argument, a channel_moments* for those of y.
template <class Device>
struct convolution : missing<Device> {};

/// Whether a device's convolutions take the moments of what they write while it is in a cache.
template <class Device>
inline constexpr bool takes_moments = requires {
  requires convolution<Device>::takes_moments;
};

}  // namespace pretext::kernels
