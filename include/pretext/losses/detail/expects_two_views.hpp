// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/expects.hpp>

namespace pretext::inline v0_1::detail {

/// The number of images of stacked rows of two views. Throws std::invalid_argument for an odd number of rows
/// and for the two of a single image.
inline std::size_t images_of_two_views(const char* loss, std::size_t rows) {
  expects(rows % 2 == 0, loss, ": ", rows, " rows are not two views of every image");
  expects(rows > 2, loss, ": statistics over a batch need more than one image; take a larger batch");
  return rows / 2;
}

}  // namespace pretext::inline v0_1::detail
