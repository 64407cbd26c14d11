#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/host_device.hpp>

namespace pretext::kernels {

/// Which places of each sample take part, and in what order: number j of sample n is place ids[n·stride + j],
/// j < count; the first `count` in their own order where ids is null. No place of a sample is chosen twice.
struct index_list {
  std::size_t count = 0;
  const std::uint32_t* ids = nullptr;
  std::size_t stride = 0;

  PRETEXT_HOST_DEVICE constexpr std::size_t position(std::size_t sample, std::size_t j) const {
    return ids ? ids[sample * stride + j] : j;
  }
};

}  // namespace pretext::kernels
