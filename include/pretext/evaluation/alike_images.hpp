// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include <pretext/core/expects.hpp>

namespace pretext::inline v0_1 {

/// How much images differ: the variance of a pixel over the images, relative to the variance of the pixels
/// within an image. About 1 for photographs of different things, near 0 for copies of one image, and 0 where
/// every pixel of all images has one value. `pixels`: (n, size) row-major, in any range. Throws
/// std::invalid_argument if they are no whole number of images.
inline double image_variation(std::span<const float> pixels, std::size_t size) {
  expects(size > 0 && pixels.size() % size == 0 && !pixels.empty(), "image_variation: ", pixels.size(),
          " values are no images of ", size);
  const std::size_t images = pixels.size() / size;
  // Sums of differences from the first pixel: differences of large numbers would lose their digits.
  const double origin = static_cast<double>(pixels[0]);
  std::vector<double> sum(size), squares(size);
  double within = 0;
  for (std::size_t n = 0; n < images; ++n) {
    double image_sum = 0, image_squares = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const double value = static_cast<double>(pixels[n * size + i]) - origin;
      sum[i] += value;
      squares[i] += value * value;
      image_sum += value;
      image_squares += value * value;
    }
    within += image_squares - image_sum * image_sum / static_cast<double>(size);
  }
  double between = 0;
  for (std::size_t i = 0; i < size; ++i)
    between += squares[i] - sum[i] * sum[i] / static_cast<double>(images);
  return between <= 0 ? 0 : between / (within > 0 ? within : between);
}

/// Are the images so nearly the same (`image_variation` below a twentieth) that embeddings of them tell
/// nothing about a method?
inline bool alike_images(std::span<const float> pixels, std::size_t size) {
  return image_variation(pixels, size) < 0.05;
}

}  // namespace pretext::inline v0_1
