#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/shape.hpp>
#include <pretext/kernels/index_list.hpp>
#include <pretext/kernels/patches.hpp>

namespace pretext {

/// Images cut into square patches, row by row: patch (r, c) is place r·columns + c.
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
  static constexpr std::size_t patch_dim = extents.patch_dim();  ///< of one patch
};

/// Which patches of each sample an encoder is shown: as many in every sample, so that shapes stay static.
template <class Grid, std::size_t Visible>
struct masks {
  static_assert(0 < Visible && Visible < Grid::patches,
                "pretext: a mask hides some patches and leaves some; choose a ratio that does so on this "
                "grid.");
  using grid = Grid;
  static constexpr std::size_t visible = Visible, masked = Grid::patches - Visible;

  const std::uint32_t* order = nullptr;    ///< (n, places): the visible places, then the hidden ones
  const std::uint32_t* restore = nullptr;  ///< (n, places): where a place stands in `order`
  std::size_t batch = 0;

  constexpr kernels::index_list all_patches() const { return {Grid::patches, order, Grid::patches}; }
  constexpr kernels::index_list visible_patches() const { return {visible, order, Grid::patches}; }
  constexpr kernels::index_list masked_patches() const { return {masked, order + visible, Grid::patches}; }
};

/// The masks that a way of masking draws on a grid.
template <class Masking, class Grid>
using masks_of = masks<Grid, Masking::template visible<Grid>>;

}  // namespace pretext
