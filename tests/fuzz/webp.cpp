// WebP files: decoding ends with an image of the size that it declares, or with bad_image.
#include "fuzz/image_format.hpp"

#include <pretext/io/webp.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return pretext::tests::decode_and_check("photo.webp", {data, size});
}
