#pragma once
#include <cstddef>

#include <pretext/core/device_scalar.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext {

/// What a batch's images are mixed with, image i with image n-1-i: λ, and the pixels that are the other
/// image's. One draw for a whole batch, as timm's batch mode.
struct batch_mix {
  double lambda = 1;  ///< λ: the part of every image, and of its goal, that is its own
  bool pasted = false;
  std::size_t top = 0, left = 0, height = 0, width = 0;  ///< of the pasted box
};

}  // namespace pretext

namespace pretext::kernels {

/// A batch (rows, height, width, channels) mixed in place with itself in reverse order, row i with row n-1-i:
/// all numbers blended, x_i = share·x_i + (1-share)·x_(n-1-i), or those of a box of pixels replaced by the
/// other row's. And the goals that belong to it: share·label_i + (1-share)·label_(n-1-i), one-hot, smoothed;
/// zero from `classes` to `stride`. Labels lie in the device's memory, and so may what was chosen.
///   mix(place, rows, height, width, channels, device_scalar<batch_mix>, T* x)
///   goals(place, rows, stride, classes, device_scalar<batch_mix>, double smoothing, const int* labels,
///         W* goal)
template <class Device>
struct mixing : missing<Device> {};

}  // namespace pretext::kernels
