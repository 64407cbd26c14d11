// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>

#include <pretext/kernels/channel_moments.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// Constants, parameters of each channel, and the running statistics that training updates. γ, β and the
/// running statistics may be null.
template <class W>
struct norm_parameters {
  W epsilon, momentum;
  const W *gamma = nullptr, *beta = nullptr;
  W *running_mean = nullptr, *running_variance = nullptr;
};

/// What training computes per channel, (groups, channels): the mean, inverse = 1/√(variance + ε), and
/// scale = inverse·γ and shift = β - mean·scale, so that x·scale + shift is normalised.
template <class W>
struct channel_norms {
  W *mean, *inverse, *scale, *shift;
};

/// Tells backward which outputs of a ReLU are positive: by the outputs themselves, or by a bit for each, in
/// the device's own layout. If both are null, no shortcut was added, and backward recomputes the outputs from
/// x.
template <class T>
struct relu_outputs {
  const T* y = nullptr;
  const std::uint8_t* signs = nullptr;
};

/// Batch normalisation of the channels of (rows, channels), separately for each of `groups` equal parts of
/// the rows (Ioffe & Szegedy 2015). A training step calls `statistics`, `apply`, then `backward`; inference
/// calls `fold_running` and `apply`, or `scale_columns` to fold the scale into a convolution's weights. With
/// a communicator, `statistics` and `backward` are collectives: rows are this shard's, statistics those of
/// the rows of all shards, and dγ and dβ the parts of this shard's rows.
template <class Device>
struct batch_norm : missing<Device> {};

/// The calls that a device's `batch_norm` accepts.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = batch_norm<device_of<Context>>>
concept BatchNormKernel = requires(Context& context, std::size_t rows, std::size_t channels,
                                   std::size_t groups, W epsilon, bool relu, const T* x, const T* dy,
                                   const T* shortcut, const W* mean, const W* variance, const W* gamma,
                                   const W* beta, const W* scale, const W* shift, const W* w,
                                   const norm_parameters<W>& parameters, const channel_norms<W>& norms,
                                   W* dgamma, W* dbeta, W* out_scale, W* out_shift, T* out_y, T* out_dx,
                                   T* out_dshortcut, T* out_w, const relu_outputs<T>& outputs) {
  // Writes `norms`; running += momentum·(batch - running), the variance unbiased.
  Kernel::statistics(context, rows, channels, groups, x, parameters, norms);
  // Scale and shift from running statistics (channels). γ and β may be null.
  Kernel::fold_running(context, channels, mean, variance, epsilon, gamma, beta, out_scale, out_shift);
  // y = x·scale + shift (+ shortcut), then max(0, ·) if `relu`. scale and shortcut may be null; y may be x.
  Kernel::apply(context, rows, channels, groups, x, scale, shift, shortcut, relu, out_y);
  // The gradients of `apply` after `statistics`. γ, its gradient and that of β may be null, and dshortcut,
  // which may be dy; dx may be x.
  Kernel::backward(context, rows, channels, groups, dy, relu, outputs, x, norms, gamma, dgamma, dbeta, out_dx,
                   out_dshortcut);
  // w (rows, channels)·scale (channels), in the type that products multiply.
  Kernel::scale_columns(context, rows, channels, w, scale, out_w);
};

/// Whether a device stores a bit for the sign of each output of a ReLU, which backward reads instead of the
/// outputs: then it provides `BatchNormSignsKernel`, too.
template <class Device>
inline constexpr bool stores_signs = requires {
  requires batch_norm<Device>::stores_signs;
};

/// What such a device provides.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = batch_norm<device_of<Context>>>
concept BatchNormSignsKernel = requires(Context& context, std::size_t rows, std::size_t channels,
                                        std::size_t groups, const T* x, const T* shortcut, const W* scale,
                                        const W* shift, T* out_y, std::uint8_t* out_signs) {
  // The bytes of the signs.
  { Kernel::template sign_bytes<T>(rows, channels) } -> std::same_as<std::size_t>;
  // `apply` with ReLU, which also writes the signs; false if it has not written them.
  {
    Kernel::apply_with_signs(context, rows, channels, groups, x, scale, shift, shortcut, out_y, out_signs)
    } -> std::same_as<bool>;
};

/// Of devices whose convolutions compute moments (`computes_moments`, kernels/convolution.hpp): batch norm's
/// statistics from those moments, without a pass over x.
template <class Context, class W = weight_of<Context>, class Kernel = batch_norm<device_of<Context>>>
concept BatchNormMomentsKernel = requires(Context& context, std::size_t rows, std::size_t channels,
                                          std::size_t groups, const channel_moments& moments,
                                          const norm_parameters<W>& parameters,
                                          const channel_norms<W>& norms) {
  // Uninitialised memory for the moments, from the workspace.
  channel_moments{Kernel::allocate_moments(context, groups, channels)};
  // What `statistics` computes, from moments of all rows.
  Kernel::finalize(context, rows, channels, moments, parameters, norms);
};

/// Of devices whose convolutions may sum their results (`sums_results`, kernels/convolution.hpp): the
/// statistics of one group from the sums (2, channels) of x and x².
template <class Context, class W = weight_of<Context>, class Kernel = batch_norm<device_of<Context>>>
concept BatchNormSumsKernel = requires(Context& context, std::size_t rows, std::size_t channels,
                                       const W* sums, const norm_parameters<W>& parameters,
                                       const channel_norms<W>& norms) {
  Kernel::statistics_of_sums(context, rows, channels, sums, parameters, norms);
};

}  // namespace pretext::inline v0_1::kernels
