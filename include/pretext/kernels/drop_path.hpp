#pragma once
#include <pretext/core/host_device.hpp>
#include <pretext/core/random.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// What a sample's residual branch is multiplied by: 0 with probability `rate`, else 1/(1 - rate), so that
/// its mean stays (Huang et al. 2016, as timm scales it).
PRETEXT_HOST_DEVICE constexpr double path_factor(const random_key& key, std::uint32_t draw, double rate) {
  return static_cast<double>(key.uniform(draw)) < rate ? 0 : 1 / (1 - rate);
}

/// The factors of a batch, from one draw of each sample's key.
///   run(place, const sample_keys&, batch, draw, rate, W* factor)
///   scale(place, batch, numbers, const W* factor, const T* dy, T* dbranch)
///     dbranch = factor·dy, `numbers` of each sample
template <class Device>
struct drop_path : missing<Device> {};

}  // namespace pretext::kernels
