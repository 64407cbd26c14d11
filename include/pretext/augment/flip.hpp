// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/augment/draws.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/random_streams.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1 {

namespace detail {
inline void check_probability(const char* operation, float probability) {
  expects(0 <= probability && probability <= 1, operation, ": probability ", probability,
          " must lie within [0, 1]");
}
}  // namespace detail

/// Mirrors the view left to right. It costs nothing: the crop reads its columns backwards.
struct horizontal_flip {
  float probability = .5f;

  static constexpr std::uint32_t stream_id = streams::horizontal_flip.first,
                                 stream_size = streams::horizontal_flip.size;
  using choice = bool;

  PRETEXT_HOST_DEVICE bool choose(const auto& draws, image_extent, image_extent) const {
    return draws.bernoulli(0, probability);
  }
  PRETEXT_HOST_DEVICE void map_to_source(bool flipped, image_extent, image_extent, resampling_map& at) const {
    at.mirrored = at.mirrored != flipped;
  }
  void check(image_extent) const { detail::check_probability("horizontal_flip", probability); }
};

}  // namespace pretext::inline v0_1
