// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/channel_moments.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

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

/// What inference does with a convolution's result: y = y + shift (+ shortcut), and then ReLU.
template <class T>
struct convolution_epilogue {
  const T* shift;     ///< one value for each channel
  const T* shortcut;  ///< of y's extents; null: none
  bool relu;
};

/// Cross-correlation of zero-padded, channels-last images with weights (rows, columns, in, out).
template <class Device>
struct convolution : missing<Device> {};

/// Whether a device's convolutions compute the moments of their result while it is in a cache: then it
/// provides `ConvolutionMomentsKernel` and `BatchNormMomentsKernel`, too.
template <class Device>
inline constexpr bool computes_moments = requires {
  requires convolution<Device>::computes_moments;
};

/// Whether a device's convolutions apply a `convolution_epilogue` to their result while it is in a cache:
/// then it provides `ConvolutionEpilogueKernel`, too.
template <class Device>
inline constexpr bool applies_epilogue = requires {
  requires convolution<Device>::applies_epilogue;
};

/// Whether a device's convolutions may sum their results while they compute them: then it provides
/// `ConvolutionSumsKernel` and `BatchNormSumsKernel`, too.
template <class Device>
inline constexpr bool sums_results = requires {
  requires convolution<Device>::sums_results;
};

/// The calls that a device's `convolution` accepts.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = convolution<device_of<Context>>>
concept ConvolutionKernel = requires(Context& context, const convolution_extents& extents, std::size_t batch,
                                     const T* x, const T* w, const T* dy, T* out_y, T* dx, W* dw,
                                     write_mode mode) {
  Kernel::forward(context, extents, batch, x, w, out_y);
  // dx is overwritten or added to, as `mode` says
  Kernel::backward_data(context, extents, batch, dy, w, dx, mode);
  Kernel::backward_weights(context, extents, batch, x, dy, dw);
};

/// Of devices whose convolutions compute moments: `forward` that also writes the moments of y's channels,
/// unless `moments` is null.
template <class Context, class T = activation_of<Context>, class Kernel = convolution<device_of<Context>>>
concept ConvolutionMomentsKernel = requires(Context& context, const convolution_extents& extents,
                                            std::size_t batch, const T* x, const T* w, T* out_y,
                                            const channel_moments* moments) {
  Kernel::forward(context, extents, batch, x, w, out_y, moments);
};

/// Of devices whose convolutions may sum their results: `forward` that also writes the sums (2, out) of y and
/// of y² over all rows. It returns whether it ran; if it returns false, the caller runs `separately`, other
/// kernels for the same work, which an implementation may also call to compare both. `changed` is memory that
/// `separately` reads and changes, and that a comparison restores.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = convolution<device_of<Context>>>
concept ConvolutionSumsKernel = requires(Context& context, const convolution_extents& extents,
                                         std::size_t batch, const T* x, const T* w, T* out_y, W* out_sums,
                                         std::span<W> changed, void (*separately)()) {
  bool{Kernel::forward_with_sums(context, extents, batch, x, w, out_y, out_sums, changed, separately)};
};

/// Of devices whose convolutions apply an epilogue: `forward` that does, unless `epilogue` is null. Moments
/// and an epilogue are not requested together.
template <class Context, class T = activation_of<Context>, class Kernel = convolution<device_of<Context>>>
concept ConvolutionEpilogueKernel = requires(Context& context, const convolution_extents& extents,
                                             std::size_t batch, const T* x, const T* w, T* out_y,
                                             const channel_moments* moments,
                                             const convolution_epilogue<T>* epilogue) {
  Kernel::forward(context, extents, batch, x, w, out_y, moments, epilogue);
};

}  // namespace pretext::inline v0_1::kernels
