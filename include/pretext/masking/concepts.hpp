// SPDX-License-Identifier: MIT
#pragma once
// What a method requires of its masking policy. `Masking` is checked before a device is chosen, so that a
// wrong policy is reported in one sentence; `MaskingOn` adds the function that draws.
#include <concepts>
#include <cstddef>

#include <pretext/masking/masks.hpp>

namespace pretext::inline v0_1 {

/// The masks of a batch on a grid of patches: as many visible patches in every sample, so that shapes stay
/// static. `masks` is the model.
template <class M>
concept MaskSet = requires {
  typename M::grid::images;
  { M::grid::patches } -> std::convertible_to<std::size_t>;
  { M::grid::patch_dim } -> std::convertible_to<std::size_t>;
  { M::visible } -> std::convertible_to<std::size_t>;
  { M::masked } -> std::convertible_to<std::size_t>;
};

/// A rule that masks patches of an image: `visible<Grid>` is the number of patches that it leaves visible.
template <class M, class Grid>
concept Masking = requires {
  { M::template visible<Grid> } -> std::convertible_to<std::size_t>;
};

/// A masking rule that draws the masks of a batch in a context.
template <class M, class Grid, class Context>
concept MaskingOn = Masking<M, Grid> && requires(const M& masking, Context& context, std::size_t batch) {
  { masking.template draw<Grid>(context, batch) } -> std::same_as<masks_of<M, Grid>>;
};

}  // namespace pretext::inline v0_1
