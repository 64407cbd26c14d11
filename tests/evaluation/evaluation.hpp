#pragma once
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include <pretext/evaluation/features.hpp>

namespace pretext::tests {

/// Features around one center per class with the standard deviation `noise`; row i has the label i modulo
/// classes.
inline feature_table blobs(std::size_t count, std::size_t width, std::size_t classes, double noise,
                           unsigned seed) {
  std::mt19937 centres{17}, random{seed};
  std::normal_distribution<double> draw;
  std::vector<double> centre(classes * width);
  for (double& number : centre) number = draw(centres);
  feature_table made{count, width, std::vector<float>(count * width), std::vector<int>(count)};
  for (std::size_t i = 0; i < count; ++i) {
    made.labels[i] = static_cast<int>(i % classes);
    for (std::size_t c = 0; c < width; ++c)
      made.values[i * width + c] = static_cast<float>(centre[i % classes * width + c] + noise * draw(random));
  }
  return made;
}

/// Cosine similarity of two rows, in double.
inline double cosine_of(const float* a, const float* b, std::size_t width) {
  double dot = 0, left = 0, right = 0;
  for (std::size_t c = 0; c < width; ++c) {
    dot += double(a[c]) * double(b[c]);
    left += double(a[c]) * double(a[c]);
    right += double(b[c]) * double(b[c]);
  }
  return dot / std::sqrt(left * right);
}

}  // namespace pretext::tests
