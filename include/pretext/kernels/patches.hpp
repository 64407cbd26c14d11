// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/index_list.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// Images divided into square patches, row by row: patch (r, c) has index r·columns() + c. Pixels beyond the
/// last whole patch belong to no patch.
struct patch_extents {
  std::size_t height, width, channels, patch;

  PRETEXT_HOST_DEVICE constexpr std::size_t rows() const { return height / patch; }
  PRETEXT_HOST_DEVICE constexpr std::size_t columns() const { return width / patch; }
  PRETEXT_HOST_DEVICE constexpr std::size_t patches() const { return rows() * columns(); }
  /// Elements of one patch, in the order (row, column, channel).
  PRETEXT_HOST_DEVICE constexpr std::size_t patch_dim() const { return patch * patch * channels; }
};

/// Patchify: images (batch, height, width, channels) to rows (batch, count, patch_dim) of the chosen patches,
/// and back.
template <class Device>
struct patches : missing<Device> {};

/// The calls that a device's `patches` accepts.
template <class Context, class T = activation_of<Context>, class Kernel = patches<device_of<Context>>>
concept PatchesKernel = requires(Context& context, const patch_extents& extents, std::size_t batch,
                                 const index_list& chosen, const T* images, const T* rows, T* out_rows,
                                 T* out_images) {
  Kernel::gather(context, extents, batch, chosen, images, out_rows);
  // pixels of no chosen patch become 0
  Kernel::scatter(context, extents, batch, chosen, rows, out_images);
};

}  // namespace pretext::inline v0_1::kernels
