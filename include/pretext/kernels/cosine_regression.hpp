// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>

#include <pretext/core/expects.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// BYOL's symmetrised loss (Grill et al. 2020, eq. 2): 2 - 2·cos(p_i, target_j), where row i of p (2n,
/// columns) is compared with row j = (i+n) mod 2n of the target, the other view of the same image.
template <class Device>
struct cosine_regression : missing<Device> {};

/// The calls that a device's `cosine_regression` accepts.
template <class Context, class T = activation_of<Context>,
          class Kernel = cosine_regression<device_of<Context>>>
concept CosineRegressionKernel = requires(Context& context, std::size_t rows, std::size_t columns,
                                          double weight, const T* p, const T* target, T* dp) {
  // weight · the sum over both directions of the mean over n. Its gradient is added to dp.
  { Kernel::run(context, rows, columns, weight, p, target, dp) } -> std::convertible_to<loss_of<Context>>;
};

namespace detail {
/// Throws std::invalid_argument for an odd number of rows, on any device.
inline void expects_two_views(std::size_t rows) {
  expects(rows >= 2 && rows % 2 == 0,
          "cosine regression compares two views of every image, stacked; it cannot take ", rows, " rows");
}
}  // namespace detail

}  // namespace pretext::inline v0_1::kernels
