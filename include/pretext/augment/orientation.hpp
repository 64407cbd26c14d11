// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/augment/flip.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/random_streams.hpp>

namespace pretext::inline v0_1 {

/// Gives the view one of the eight orientations of a square, with equal chances: turns by multiples of 90
/// degrees, mirrored or not. For images without an upright position, such as parts under a camera, tissue and
/// aerial images. Views must be square.
struct random_orientation {
  float probability = 1;

  static constexpr std::uint32_t stream_id = streams::orientation.first,
                                 stream_size = streams::orientation.size;
  /// What happens to the view, in this order of reading: rows and columns are exchanged, rows, then columns
  /// are reversed.
  struct choice {
    bool transposed = false, rows_reversed = false, columns_reversed = false;
  };

  PRETEXT_HOST_DEVICE choice choose(const auto& draws, image_extent, image_extent) const {
    if (!draws.bernoulli(0, probability)) return {};
    const std::uint32_t which = draws.uniform_int(1, 8);
    return {(which & 1) != 0, (which & 2) != 0, (which & 4) != 0};
  }

  template <class View>
  PRETEXT_HOST_DEVICE void apply(const choice& chosen, View& view) const {
    if (!chosen.transposed && !chosen.rows_reversed && !chosen.columns_reversed) return;
    const image_extent extent = view.extent;
    view.map_pixels([=](std::size_t y, std::size_t x, const auto& before) {
      const std::size_t row = chosen.transposed ? x : y, column = chosen.transposed ? y : x;
      return before(chosen.rows_reversed ? extent.height - 1 - row : row,
                    chosen.columns_reversed ? extent.width - 1 - column : column);
    });
  }

  void check(image_extent view) const {
    detail::check_probability("random_orientation", probability);
    expects(probability == 0 || view.height == view.width, "random_orientation: views of ", view.height,
            " x ", view.width, " pixels cannot be turned by 90 degrees; choose square views");
  }
};

}  // namespace pretext::inline v0_1
