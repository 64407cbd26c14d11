#pragma once
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// Distance of unit vectors, 2 - 2·cos(p, goal), where row i of p meets row (i+n) mod 2n of goal. Returns
/// factor × the sum over both directions of the mean over n, and adds its gradient to dp; none goes to goal.
///   loss_value run(place, rows, columns, double factor, const T* p, const T* goal, T* dp)
template <class Device>
struct cosine_regression : missing<Device> {};

}  // namespace pretext::kernels
