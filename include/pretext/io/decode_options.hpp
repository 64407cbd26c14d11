#pragma once
#include <cstddef>

namespace pretext::inline v0_1 {

/// Options of decoding an image file.
struct decode_options {
  std::size_t target_side = 0;  ///< JPEGs are halved while the shorter side stays >= twice this; 0: never
  std::size_t max_pixels = 100'000'000;  ///< larger images are refused before memory is allocated
};

}  // namespace pretext::inline v0_1
