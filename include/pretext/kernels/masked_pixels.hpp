#pragma once
#include <pretext/kernels/index_list.hpp>
#include <pretext/kernels/kernel.hpp>
#include <pretext/kernels/patches.hpp>

namespace pretext {

/// How far a predicted pixel is from the real one.
enum class pixel_error {
  squared,   ///< (p - t)², as in MAE
  absolute,  ///< |p - t|, as in SimMIM
};

}  // namespace pretext

namespace pretext::kernels {

/// How the numbers of a patch are compared with their prediction.
struct pixel_comparison {
  bool normalise;  ///< each patch to mean 0 and deviation 1
  pixel_error error;
  double denominator;  ///< the errors' sum is divided by it
};

/// Sum of the errors over chosen patches, (batch, count, numbers) in the order (row, column, channel), over
/// the denominator; its gradient is added to dprediction.
///   loss_value run(place, patch_extents, pixel_comparison, batch, choice, const T* images, const T*
///   prediction, T* dprediction)
template <class Device>
struct masked_pixels : missing<Device> {};

}  // namespace pretext::kernels
