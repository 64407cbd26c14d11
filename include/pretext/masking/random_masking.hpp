#pragma once
#include <cstddef>
#include <cstdint>
#include <ratio>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/kernels/masking.hpp>
#include <pretext/masking/masks.hpp>

namespace pretext {

namespace detail {

template <class Place>
void expects_keys(const Place& place, std::size_t batch, const char* who) {
  expects(place.keys.count != 0, who,
          " draws a mask for every sample and must be told who they are: call draw(samples, seed, epoch) "
          "before step");
  expects(batch % place.keys.count == 0, who, ": ", place.keys.count, " samples cannot have ", batch,
          " views");
}

}  // namespace detail

/// The masks of places sorted by given noise (n, places), ascending; they lie in the step's memory.
template <class Masks, class Place, class N>
Masks masks_by_noise(Place& place, std::size_t batch, const N* noise) {
  auto* const order = place.kept.template take<std::uint32_t>(batch * Masks::grid::places);
  auto* const restore = place.kept.template take<std::uint32_t>(batch * Masks::grid::places);
  kernels::order_by_noise<typename Place::device>::run(place, batch, Masks::grid::places, noise, order,
                                                       restore);
  return {order, restore, batch};
}

/// Hides `Ratio` of the patches of each sample, drawn without replacement (He et al. 2022, §3): the places
/// are sorted by noise, the first int(places·(1 - ratio)) stay visible, in that shuffled order.
template <class Ratio = std::ratio<3, 4>>
struct random_masking {
  /// As Python computes it, in double precision.
  template <class Grid>
  static constexpr std::size_t visible =
      static_cast<std::size_t>(double(Grid::places) * (1 - double(Ratio::num) / double(Ratio::den)));

  /// Draws the masks of a batch from the keys of its samples. Throws std::invalid_argument if the step was
  /// not told who they are.
  template <class Grid, class Place>
  masks_of<random_masking, Grid> draw(Place& place, std::size_t batch) const {
    detail::expects_keys(place, batch, "random_masking");
    const borrowed guard{place.scratch};
    float* const noise = place.scratch.template take<float>(batch * Grid::places);
    kernels::uniform_noise<typename Place::device>::run(place, place.keys, batch, Grid::places, noise);
    return masks_by_noise<masks_of<random_masking, Grid>>(place, batch, static_cast<const float*>(noise));
  }
};

}  // namespace pretext
