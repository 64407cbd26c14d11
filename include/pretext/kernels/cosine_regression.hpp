#pragma once
#include <cstddef>

#include <pretext/core/expects.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// Distance of unit vectors, 2 - 2·cos(p, goal), where row i of p meets row (i+n) mod 2n of goal. Returns
/// factor × the sum over both directions of the mean over n, and adds its gradient to dp; none goes to goal.
///   loss_value run(place, rows, columns, double factor, const T* p, const T* goal, T* dp)
template <class Device>
struct cosine_regression : missing<Device> {};

namespace detail {
/// Throws std::invalid_argument for an odd number of rows, on any device.
inline void expects_two_views(std::size_t rows) {
  expects(rows >= 2 && rows % 2 == 0,
          "cosine regression compares two views of every image, stacked; it cannot take ", rows, " rows");
}
}  // namespace detail

}  // namespace pretext::kernels
