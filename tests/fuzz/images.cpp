// JPEG and PNG files: decoding ends with an image of the size that it declares, or with bad_image.
#include "fuzz/image_format.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return pretext::tests::decode_and_check("photo.jpg", {data, size});
}
