#pragma once
#include <cstddef>

#include <pretext/kernels/kernel.hpp>

namespace pretext {

/// How far a predicted pixel is from the real one.
enum class pixel_error {
  squared,   ///< (p - t)², as in MAE
  absolute,  ///< |p - t|, as in SimMIM
};

}  // namespace pretext

namespace pretext::kernels {

/// Which numbers of the images a loss compares with predictions, and how.
struct pixel_comparison {
  std::size_t width, channels, rows, columns, patch;  ///< of the image in pixels; of the grid in patches
  std::size_t visible;                                ///< patches of each sample that are not compared
  bool normalise;                                     ///< each patch to mean 0, deviation 1
  pixel_error error;
  double denominator;  ///< the errors' sum is divided by it
};

/// Sum of the errors over the hidden patches, order[visible…] of each sample, over the denominator; its
/// gradient is added to dprediction. Row i of a prediction is hidden patch i, (row, column, channel).
///   double run(place, const pixel_comparison&, batch, const std::uint32_t* order, const T* images,
///   const T* prediction, T* dprediction)
template <class Device>
struct masked_pixels : missing<Device> {};

}  // namespace pretext::kernels
