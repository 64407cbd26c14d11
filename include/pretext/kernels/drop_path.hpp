// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/host_device.hpp>
#include <pretext/core/random.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// The scale of a sample's residual branch under stochastic depth: 0 with probability `rate`, else
/// 1/(1 - rate), so that the mean stays 1 (Huang et al. 2016, scaled like timm's).
PRETEXT_HOST_DEVICE constexpr double path_factor(const random_key& key, std::uint32_t draw, double rate) {
  return static_cast<double>(key.uniform(draw)) < rate ? 0 : 1 / (1 - rate);
}

/// Stochastic depth of a batch: the scale of each sample's branch, and what it is applied to.
template <class Device>
struct drop_path : missing<Device> {};

/// The calls that a device's `drop_path` accepts.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = drop_path<device_of<Context>>>
concept DropPathKernel = requires(Context& context, const sample_keys& keys, std::size_t batch,
                                  std::uint32_t draw, double rate, std::size_t sample_size,
                                  const W* branch_scale, const T* dy, W* out_branch_scale, T* out_dbranch) {
  // path_factor of each sample, from draw `draw` of its key
  Kernel::run(context, keys, batch, draw, rate, out_branch_scale);
  // dbranch (batch, sample_size) = branch_scale (batch) · dy
  Kernel::scale(context, batch, sample_size, branch_scale, dy, out_dbranch);
};

}  // namespace pretext::inline v0_1::kernels
