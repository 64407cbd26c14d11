#pragma once
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// A batch mixed in place with itself in reverse order, row i with row n-1-i: all numbers blended,
/// x_i = share·x_i + (1-share)·x_(n-1-i), or those of a box of pixels replaced by the other row's. And the
/// goals that belong to it: share·label_i + (1-share)·label_(n-1-i), one-hot, smoothed;
/// zero from `classes` to `stride`.
///   blend(place, rows, size, double share, T* x)
///   paste(place, rows, height, width, channels, top, left, box_height, box_width, T* x)
///   goals(place, rows, stride, classes, double share, double smoothing, const int* labels, W* goal)
template <class Device>
struct mixing : missing<Device> {};

}  // namespace pretext::kernels
