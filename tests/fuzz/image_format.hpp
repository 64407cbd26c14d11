#pragma once
// The targets of image files share this claim.
#include "fuzz/fuzz.hpp"

#include <pretext/io/decode.hpp>

namespace pretext::tests {

/// Decodes the bytes twice, into a new image and into one that has held others: each call must end with an
/// image whose pixels fill its extents, or with bad_image. Returns 0.
inline int decode_and_check(const char* name, std::span<const std::uint8_t> bytes) {
  static image reused;
  for (const std::size_t target_side : {std::size_t{0}, std::size_t{8}}) {
    image fresh;
    bool decoded = false;
    const auto decode = [&](image& out) {
      expect_value_or_sentence<bad_image>(name, [&] {
        decode_image(std::as_bytes(bytes), name,
                     {.target_side = target_side, .max_pixels = 1'000'000, .channels = target_side ? 3u : 0u},
                     out);
        decoded = true;
      });
    };
    decode(fresh);
    if (!decoded) continue;
    decode(reused);
    require(fresh.height > 0 && fresh.width > 0 && fresh.height * fresh.width <= 1'000'000,
            "an image has 1 to max_pixels pixels");
    require(fresh.pixels.size() == image_view(fresh).bytes(), "the pixels fill the extents of the image");
    require(fresh.pixels == reused.pixels, "a reused image holds the same pixels");
  }
  return 0;
}

}  // namespace pretext::tests
