#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/index_list.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// Images cut into square patches, row by row: patch (r, c) is place r·columns() + c. Pixels beyond the last
/// whole patch belong to none.
struct patch_extents {
  std::size_t height, width, channels, patch;

  PRETEXT_HOST_DEVICE constexpr std::size_t rows() const { return height / patch; }
  PRETEXT_HOST_DEVICE constexpr std::size_t columns() const { return width / patch; }
  PRETEXT_HOST_DEVICE constexpr std::size_t patches() const { return rows() * columns(); }
  /// Numbers of one patch, in the order (row, column, channel).
  PRETEXT_HOST_DEVICE constexpr std::size_t patch_dim() const { return patch * patch * channels; }
};

/// Images (batch, height, width, channels) as rows of patches (batch, count, numbers), and back. All patches,
/// or chosen ones.
///   gather(place, extents, batch, choice, const T* images, T* rows)
///   scatter(place, extents, batch, choice, const T* rows, T* images)   0 where no chosen patch lies
template <class Device>
struct patches : missing<Device> {};

}  // namespace pretext::kernels
