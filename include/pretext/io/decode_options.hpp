// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/io/sample_levels.hpp>

namespace pretext::inline v0_1 {

/// What a decoder does with the orientation that cameras record in EXIF data. `ignore` returns the pixels in
/// the order in which they are stored, as PIL's `Image.open` and torchvision do; `apply` turns and mirrors
/// them upright, as OpenCV's `imread` and PIL's `exif_transpose` do.
enum class exif_orientation { ignore, apply };

/// Options of decoding an image file.
struct decode_options {
  std::size_t target_side = 0;  ///< JPEGs are halved while the shorter side stays >= twice this; 0: never
  /// Images of more pixels are refused before memory is allocated. For a JPEG, the pixels that are left after
  /// it was halved count. It also bounds what a file can demand: 3 bytes per pixel of this limit for the
  /// coefficients of a progressive JPEG, and at most 20 scans of this many pixels.
  std::size_t max_pixels = 200'000'000;
  exif_orientation orientation = exif_orientation::ignore;
  /// Of the decoded image: 3, where gray files become RGB; 1, where RGB files become gray; or exactly those
  /// of the file. 0: as the file has them. Transparency is dropped unless 2 (gray) or 4 (RGB) include it.
  std::size_t channels = 3;
  sample_levels levels{};  ///< the samples that views map to 0 and 1
};

}  // namespace pretext::inline v0_1
