// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <concepts>
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/index_list.hpp>
#include <pretext/kernels/kernel.hpp>
#include <pretext/kernels/patches.hpp>

namespace pretext::inline v0_1 {

/// The error of a predicted pixel p with target t.
enum class pixel_error {
  squared,   ///< (p - t)², as in MAE
  absolute,  ///< |p - t|, as in SimMIM
};

}  // namespace pretext::inline v0_1

namespace pretext::inline v0_1::kernels {

/// How patches are compared with their predictions.
struct pixel_comparison {
  bool normalise;  ///< whether each target patch is normalised to mean 0 and standard deviation 1
  pixel_error error;
  double denominator;  ///< what the sum of the errors is divided by

  /// The error of a prediction that differs from its target by `difference`, before the division.
  PRETEXT_HOST_DEVICE double error_of(double difference) const {
    return error == pixel_error::squared ? difference * difference : std::fabs(difference);
  }
  /// The gradient of error_of, times `slope`.
  PRETEXT_HOST_DEVICE double gradient_of(double difference, double slope) const {
    if (error == pixel_error::squared) return 2 * slope * difference;
    return difference > 0 ? slope : difference < 0 ? -slope : 0.0;
  }
};

/// The loss of masked image modelling: the errors of predicted patches against the pixels of an image (He et
/// al. 2022; Xie et al. 2022).
template <class Device>
struct masked_pixels : missing<Device> {};

/// The calls that a device's `masked_pixels` accepts.
template <class Context, class T = activation_of<Context>, class Kernel = masked_pixels<device_of<Context>>>
concept MaskedPixelsKernel = requires(Context& context, const patch_extents& extents,
                                      const pixel_comparison& comparison, std::size_t batch,
                                      const index_list& chosen, const T* images, const T* prediction,
                                      T* dprediction) {
  // The sum of the errors over the chosen patches, (batch, count, patch_dim) in the order (row, column,
  // channel), divided by the denominator; its gradient is added to dprediction.
  {
    Kernel::run(context, extents, comparison, batch, chosen, images, prediction, dprediction)
    } -> std::convertible_to<loss_of<Context>>;
};

}  // namespace pretext::inline v0_1::kernels
