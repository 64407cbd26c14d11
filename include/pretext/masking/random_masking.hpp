// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <ratio>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/random_streams.hpp>
#include <pretext/kernels/masking.hpp>
#include <pretext/masking/masks.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// One random number is reserved for each patch; the numbers after them are those of other choices.
template <std::size_t Patches>
inline constexpr bool has_random_numbers = Patches <= streams::masks.size;

template <class Context>
void expects_keys(const Context& context, std::size_t batch, const char* masking) {
  expects(context.step.keys.count != 0, masking,
          " draws a mask for every sample, and this step has none: pass .samples (with .seed and .epoch) to "
          "trainer.step");
  expects(batch % context.step.keys.count == 0, masking, ": a batch of ", batch,
          " images is no multiple of the ", context.step.keys.count, " sample ids");
}

}  // namespace detail

/// The masks of a batch: the patches of each sample sorted by noise (n, patches), ascending. They are stored
/// in the activations of the step.
template <class Masks, class Context, class N>
Masks masks_by_noise(Context& context, std::size_t batch, const N* noise) {
  auto* const order = context.activations.template allocate<std::uint32_t>(batch * Masks::grid::patches);
  auto* const restore = context.activations.template allocate<std::uint32_t>(batch * Masks::grid::patches);
  kernels::order_by_noise<typename Context::device>::run(context, batch, Masks::grid::patches, noise, order,
                                                         restore);
  return {order, restore, batch};
}

/// Masks the part `Ratio` of the patches of each sample, drawn without replacement (He et al. 2022, §3):
/// patches are sorted by noise, and the first int(patches·(1 - Ratio)) stay visible, in that shuffled order.
template <class Ratio = std::ratio<3, 4>>
struct random_masking {
  /// Computed in double precision, as in Python.
  template <class Grid>
  static constexpr std::size_t visible =
      static_cast<std::size_t>(double(Grid::patches) * (1 - double(Ratio::num) / double(Ratio::den)));

  friend bool operator==(const random_masking&, const random_masking&) = default;

  /// Draws the masks of a batch from the keys of its samples. Throws std::invalid_argument if the step has no
  /// sample ids.
  template <class Grid, class Context>
  masks_of<random_masking, Grid> draw(Context& context, std::size_t batch) const {
    static_assert(detail::has_random_numbers<Grid::patches>,
                  "pretext::random_masking: a mask has at most 4096 patches; choose larger patches.");
    detail::expects_keys(context, batch, "random_masking");
    const arena_scope guard{context.workspace};
    float* const noise = context.workspace.template allocate<float>(batch * Grid::patches);
    kernels::uniform_noise<typename Context::device>::run(context, context.step.keys, batch, Grid::patches,
                                                          noise);
    return masks_by_noise<masks_of<random_masking, Grid>>(context, batch, static_cast<const float*>(noise));
  }
};

}  // namespace pretext::inline v0_1
