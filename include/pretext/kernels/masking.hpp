// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/random.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// Uniform noise in [0, 1) for every position of every sample.
template <class Device>
struct uniform_noise : missing<Device> {};

/// The calls that a device's `uniform_noise` accepts.
template <class Context, class Kernel = uniform_noise<device_of<Context>>>
concept UniformNoiseKernel = requires(Context& context, const sample_keys& keys, std::size_t batch,
                                      std::size_t positions, float* out_noise) {
  // noise (batch, positions): position p is draw p of the sample's key
  Kernel::run(context, keys, batch, positions, out_noise);
};

/// The positions of each sample sorted by ascending noise; of equal noise, by ascending index.
template <class Device>
struct order_by_noise : missing<Device> {};

/// The calls that a device's `order_by_noise` accepts.
template <class Context, class Kernel = order_by_noise<device_of<Context>>>
concept OrderByNoiseKernel = requires(Context& context, std::size_t batch, std::size_t positions,
                                      const float* noise, std::uint32_t* out_order,
                                      std::uint32_t* out_restore) {
  // order[i] is the position with the i-th smallest noise; restore, its inverse, is the rank of each position
  Kernel::run(context, batch, positions, noise, out_order, out_restore);
};

/// Nearest-neighbour upsampling of a grid of indices.
template <class Device>
struct enlarge_grid : missing<Device> {};

/// The calls that a device's `enlarge_grid` accepts.
template <class Context, class Kernel = enlarge_grid<device_of<Context>>>
concept EnlargeGridKernel = requires(Context& context, std::size_t batch, std::size_t rows,
                                     std::size_t columns, std::size_t factor, const std::uint32_t* coarse,
                                     std::uint32_t* out_fine) {
  // fine (batch, rows, columns)[r, c] = coarse (batch, rows/factor, columns/factor)[r/factor, c/factor]
  Kernel::run(context, batch, rows, columns, factor, coarse, out_fine);
};

}  // namespace pretext::inline v0_1::kernels
