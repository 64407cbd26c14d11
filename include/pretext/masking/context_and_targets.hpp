// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/kernels/index_list.hpp>
#include <pretext/masking/masks.hpp>

namespace pretext::inline v0_1 {

/// The patches of each sample that an encoder sees, and `Targets` groups of `PerTarget` patches that are
/// predicted from them; a patch may belong to several groups. As many in every sample, so that shapes are
/// known to the compiler. A view of memory that belongs to the step.
template <class Grid, std::size_t Visible, std::size_t Targets, std::size_t PerTarget>
struct context_and_targets {
  static_assert(0 < Visible && Visible < Grid::patches && 0 < Targets && 0 < PerTarget &&
                    PerTarget < Grid::patches,
                "pretext: a context and targets have some patches of the grid each, and not all.");
  using grid = Grid;
  static constexpr std::size_t visible = Visible, masked = Grid::patches - Visible;
  static constexpr std::size_t targets = Targets, per_target = PerTarget;

  const std::uint32_t* context = nullptr;  ///< (n, visible): indices of patches
  const std::uint32_t* hidden = nullptr;   ///< (targets·n, per_target): target 1 of all samples first
  std::size_t batch = 0;

  constexpr kernels::index_list visible_patches() const { return {visible, context, visible}; }
  /// Those of every target: list t·n + i belongs to target t of sample i.
  constexpr kernels::index_list target_patches() const { return {per_target, hidden, per_target}; }
  constexpr kernels::index_list target_patches(std::size_t target) const {
    return {per_target, hidden + target * batch * per_target, per_target};
  }
};

/// No mask: the patches of whole images, in the image's order, in place of `masks`.
template <class Grid>
struct unmasked {
  using grid = Grid;
  static constexpr std::size_t visible = Grid::patches, masked = 0;

  constexpr kernels::index_list visible_patches() const { return {visible}; }
};

}  // namespace pretext::inline v0_1
