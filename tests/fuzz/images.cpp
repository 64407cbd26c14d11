// JPEG and PNG files: decoding ends with an image of the size that it declares, or with bad_image.
#include "fuzz/fuzz.hpp"

#include <pretext/io/decode.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pretext;
  static image reused;
  for (const std::size_t target_side : {std::size_t{0}, std::size_t{8}}) {
    image fresh;
    bool decoded = false;
    const auto decode = [&](image& out) {
      tests::expect_value_or_sentence<bad_image>("photo.jpg", [&] {
        decode_image(std::as_bytes(std::span{data, size}), "photo.jpg",
                     {.target_side = target_side, .max_pixels = 1'000'000}, out);
        decoded = true;
      });
    };
    decode(fresh);
    if (!decoded) continue;
    decode(reused);
    tests::require(fresh.height > 0 && fresh.width > 0 && fresh.height * fresh.width <= 1'000'000,
                   "an image has 1 to max_pixels pixels");
    tests::require(fresh.pixels.size() == image_view(fresh).bytes(),
                   "the pixels fill the extents of the image");
    tests::require(fresh.pixels == reused.pixels, "a reused image holds the same pixels");
  }
  return 0;
}
