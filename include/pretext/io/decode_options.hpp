#pragma once
#include <cstddef>

namespace pretext {

/// How image files become pixels.
struct decode_options {
  std::size_t target_side = 0;  ///< JPEG is halved while its shorter side stays >= twice this; 0: never
  std::size_t most_pixels = 100'000'000;  ///< larger images are refused before memory is asked for
};

}  // namespace pretext
