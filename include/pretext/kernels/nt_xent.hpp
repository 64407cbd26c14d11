// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>

#include <pretext/core/expects.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// Normalised-temperature cross-entropy (Chen et al. 2020, eq. 1) of embeddings z (2n, columns): rows i and
/// i±n are two views of one image, all other rows are negatives. Memory is O(rows·columns): the similarities
/// are never stored.
template <class Device>
struct nt_xent : missing<Device> {};

/// The calls that a device's `nt_xent` accepts.
template <class Context, class T = activation_of<Context>, class Kernel = nt_xent<device_of<Context>>>
concept NtXentKernel = requires(Context& context, std::size_t rows, std::size_t columns, double temperature,
                                double weight, const T* z, T* dz) {
  // weight · the mean over the rows; its gradient is added to dz
  {
    Kernel::run(context, rows, columns, temperature, weight, z, dz)
    } -> std::convertible_to<loss_of<Context>>;
};

namespace detail {
/// Throws std::invalid_argument for arguments that NT-Xent is not defined for, on any device.
inline void expects_pairs(std::size_t rows, double temperature) {
  expects(rows >= 2 && rows % 2 == 0, "NT-Xent compares two views of every image, stacked; it cannot take ",
          rows, " rows");
  expects(temperature > 0, "NT-Xent's temperature must be positive, not ", temperature);
}
}  // namespace detail

}  // namespace pretext::inline v0_1::kernels
