// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1::kernels {

/// Selected positions of each sample, in order: the j-th of sample n is ids[n·stride + j], j < count. Where
/// ids is null, the positions 0 … count-1. No position occurs twice in a sample. The ids are in the device's
/// memory; the list does not own them.
struct index_list {
  std::size_t count = 0;
  const std::uint32_t* ids = nullptr;
  std::size_t stride = 0;

  PRETEXT_HOST_DEVICE constexpr std::size_t position(std::size_t sample, std::size_t j) const {
    return ids ? ids[sample * stride + j] : j;
  }
};

}  // namespace pretext::inline v0_1::kernels
