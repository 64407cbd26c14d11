// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/shape.hpp>
#include <pretext/kernels/index_list.hpp>
#include <pretext/kernels/patches.hpp>

namespace pretext::inline v0_1 {

/// Images cut into square patches, which are numbered row by row: patch (r, c) has index r·columns + c.
template <ImageShape Images, std::size_t Patch>
struct patch_grid {
  static_assert(Images::extents[0] % Patch == 0 && Images::extents[1] % Patch == 0,
                "pretext: the patches do not fill the image; its rows and columns must be multiples of the "
                "patch size.");
  using images = Images;
  static constexpr kernels::patch_extents extents{Images::extents[0], Images::extents[1], Images::extents[2],
                                                  Patch};
  static constexpr std::size_t patch = Patch;  ///< pixels on a side
  static constexpr std::size_t rows = extents.rows(), columns = extents.columns(),
                               patches = extents.patches();
  static constexpr std::size_t patch_dim = extents.patch_dim();  ///< elements of one patch
};

/// Which patches of each sample an encoder sees: as many in every sample, so that shapes are known to the
/// compiler. A view of memory that belongs to the step.
template <class Grid, std::size_t Visible>
struct masks {
  static_assert(0 < Visible && Visible < Grid::patches,
                "pretext: a mask hides some patches and leaves some; choose a ratio that does so on this "
                "grid.");
  using grid = Grid;
  static constexpr std::size_t visible = Visible, masked = Grid::patches - Visible;

  const std::uint32_t* order =
      nullptr;  ///< (n, patches): indices of the visible patches, then of the masked ones
  const std::uint32_t* restore = nullptr;  ///< (n, patches): the position of each patch in `order`
  std::size_t batch = 0;

  constexpr kernels::index_list all_patches() const { return {Grid::patches, order, Grid::patches}; }
  constexpr kernels::index_list visible_patches() const { return {visible, order, Grid::patches}; }
  constexpr kernels::index_list masked_patches() const { return {masked, order + visible, Grid::patches}; }
};

/// Which patches of each sample are masked, any number of them: a byte for each patch in the image's order. A
/// view of memory that belongs to the step.
template <class Grid>
struct patch_flags {
  using grid = Grid;
  const std::uint8_t* masked = nullptr;  ///< (n, patches), in the device's memory; not 0: masked
  std::size_t batch = 0;
};

/// The masks that a masking rule draws on a grid.
template <class Masking, class Grid>
using masks_of = masks<Grid, Masking::template visible<Grid>>;

}  // namespace pretext::inline v0_1
