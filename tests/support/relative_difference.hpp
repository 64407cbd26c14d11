#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace pretext::tests {

/// The largest difference between two arrays of one length, divided by the largest value of `expected` unless
/// that is 0.
inline double relative_difference(const std::vector<double>& found, const std::vector<double>& expected) {
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference = std::max(difference, std::abs(found[i] - expected[i]));
    largest = std::max(largest, std::abs(expected[i]));
  }
  return largest > 0 ? difference / largest : difference;
}

}  // namespace pretext::tests
