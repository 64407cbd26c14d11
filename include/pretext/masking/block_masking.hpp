// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <ratio>

#include <pretext/masking/random_masking.hpp>

namespace pretext::inline v0_1 {

/// Masks square units of `Unit` × `Unit` pixels, several patches each (Xie et al. 2022, §3.2): the part
/// `Ratio` of the units of each sample, rounded up and drawn without replacement, as in SimMIM's official
/// code.
template <std::size_t Unit = 32, class Ratio = std::ratio<3, 5>>
struct block_masking {
 private:
  template <class Grid>
  struct unit_grid {
    static_assert(Unit % Grid::patch == 0,
                  "pretext::block_masking: its unit must be a multiple of the patch.");
    static constexpr std::size_t factor = Unit / Grid::patch;  ///< patches on a side of a unit
    static_assert(Grid::rows % factor == 0 && Grid::columns % factor == 0,
                  "pretext::block_masking: its units do not fill the image.");
    static constexpr std::size_t patches = Grid::patches / (factor * factor);
    static constexpr double exact = double(patches) * (double(Ratio::num) / double(Ratio::den));
    static constexpr auto rounded_down = static_cast<std::size_t>(exact);
    static constexpr std::size_t masked = double(rounded_down) < exact ? rounded_down + 1 : rounded_down;
  };

 public:
  template <class Grid>
  static constexpr std::size_t visible =
      Grid::patches - unit_grid<Grid>::masked* unit_grid<Grid>::factor* unit_grid<Grid>::factor;

  friend bool operator==(const block_masking&, const block_masking&) = default;

  /// Draws the masks of a batch from the keys of its samples. Throws std::invalid_argument if the step has no
  /// sample ids.
  template <class Grid, class Context>
  masks_of<block_masking, Grid> draw(Context& context, std::size_t batch) const {
    using units = unit_grid<Grid>;
    using device = typename Context::device;
    static_assert(detail::has_random_numbers<units::patches>,
                  "pretext::block_masking: a mask has at most 4096 units; choose larger units.");
    detail::expects_keys(context, batch, "block_masking");
    const arena_scope guard{context.workspace};
    float* const noise = context.workspace.template allocate<float>(batch * units::patches);
    auto* const order = context.workspace.template allocate<std::uint32_t>(batch * units::patches);
    auto* const rank = context.workspace.template allocate<std::uint32_t>(batch * units::patches);
    auto* const rank_of_patch = context.workspace.template allocate<std::uint32_t>(batch * Grid::patches);
    kernels::uniform_noise<device>::run(context, context.step.keys, batch, units::patches, noise);
    kernels::order_by_noise<device>::run(context, batch, units::patches, static_cast<const float*>(noise),
                                         order, rank);
    // All patches of a unit share its rank, so that units stay whole even if two of them drew the same noise.
    kernels::enlarge_grid<device>::run(context, batch, Grid::rows, Grid::columns, units::factor,
                                       static_cast<const std::uint32_t*>(rank), rank_of_patch);
    return masks_by_noise<masks_of<block_masking, Grid>>(context, batch,
                                                         static_cast<const std::uint32_t*>(rank_of_patch));
  }
};

}  // namespace pretext::inline v0_1
