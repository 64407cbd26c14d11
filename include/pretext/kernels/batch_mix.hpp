// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/device_scalar.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1 {

/// How the images of a batch are mixed, image i with image n-1-i: by mixup with weight λ, or by cutmix with a
/// box of pixels. One draw for a whole batch, like timm's batch mode.
struct batch_mix {
  double lambda = 1;    ///< λ: the weight of image i, and of its target; n-1-i gets 1-λ
  bool pasted = false;  ///< true: cutmix, false: mixup
  std::size_t top = 0, left = 0, height = 0, width = 0;  ///< the box of cutmix, in pixels
};

}  // namespace pretext::inline v0_1

namespace pretext::inline v0_1::kernels {

/// Mixup (Zhang et al. 2018) and cutmix (Yun et al. 2019) of a batch with itself in reverse order, row i with
/// row rows-1-i, and the soft targets that result. The mix may be stored in the device's memory.
template <class Device>
struct mixing : missing<Device> {};

/// The calls that a device's `mixing` accepts.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = mixing<device_of<Context>>>
concept MixingKernel = requires(Context& context, std::size_t rows, std::size_t height, std::size_t width,
                                std::size_t channels, std::size_t stride, std::size_t classes,
                                device_scalar<batch_mix> mix, double smoothing, const int* labels, T* x,
                                W* out_targets) {
  // x (rows, height, width, channels) in place: λ·x_i + (1-λ)·x_(rows-1-i), or the box from the other row
  Kernel::mix(context, rows, height, width, channels, mix, x);
  // targets (rows, stride): λ·onehot(label_i) + (1-λ)·onehot(label_(rows-1-i)), smoothed over `classes`; zero
  // from column `classes` on
  Kernel::targets(context, rows, stride, classes, mix, smoothing, labels, out_targets);
};

}  // namespace pretext::inline v0_1::kernels
