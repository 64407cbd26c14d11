// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1 {

/// Label smoothing (Szegedy et al. 2016): spreads the part `smoothing` of a target t over all classes.
template <class T>
PRETEXT_HOST_DEVICE constexpr T smoothed(T t, T smoothing, std::size_t classes) {
  return (T{1} - smoothing) * t + smoothing / static_cast<T>(classes);
}

}  // namespace pretext::inline v0_1

namespace pretext::inline v0_1::kernels {

/// Softmax cross-entropy, -Σ_c t_c log p_c, summed over the rows and multiplied by `scale`. Rows of logits
/// and of soft targets are `stride` elements apart, of which the first `classes` count.
template <class Device>
struct cross_entropy : missing<Device> {};

/// The calls that a device's `cross_entropy` accepts.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = cross_entropy<device_of<Context>>>
concept CrossEntropyKernel = requires(Context& context, std::size_t rows, std::size_t stride,
                                      std::size_t classes, double scale, double smoothing, const T* logits,
                                      const W* target, const int* labels, T* dlogits) {
  // Targets are probabilities (rows, stride), which are smoothed first. The gradient is added to dlogits.
  {
    Kernel::soft(context, rows, stride, classes, scale, smoothing, logits, target, dlogits)
    } -> std::convertible_to<loss_of<Context>>;
  // Targets are one class index per row.
  {
    Kernel::hard(context, rows, stride, classes, scale, logits, labels, dlogits)
    } -> std::convertible_to<loss_of<Context>>;
};

}  // namespace pretext::inline v0_1::kernels
