#include <pretext/io/webp.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <webp/encode.h>

#include "support/pictures.hpp"
#include "support/printed_by.hpp"
#include "support/temporary_folder.hpp"

using namespace pretext;
using namespace std::string_literals;

namespace {

/// A WebP file of a picture of 3 or 4 channels: lossless, or with a quality of 0 to 100.
std::string webp_of(const image& picture, float quality = -1) {
  const bool alpha = picture.channels == 4, lossless = quality < 0;
  const int width = static_cast<int>(picture.width), height = static_cast<int>(picture.height);
  const int stride = width * static_cast<int>(picture.channels);
  std::uint8_t* file = nullptr;
  const std::size_t size = lossless ? (alpha ? WebPEncodeLosslessRGBA : WebPEncodeLosslessRGB)(
                                          picture.pixels.data(), width, height, stride, &file)
                                    : (alpha ? WebPEncodeRGBA : WebPEncodeRGB)(
                                          picture.pixels.data(), width, height, stride, quality, &file);
  REQUIRE(size > 0);
  std::string bytes{reinterpret_cast<char*>(file), size};
  WebPFree(file);
  return bytes;
}

std::string little_endian(std::size_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i, value >>= 8) text += static_cast<char>(value & 255);
  return text;
}
std::string chunk(std::string_view name, const std::string& contents) {
  return std::string{name} + little_endian(contents.size(), 4) + contents +
         std::string(contents.size() % 2, '\0');
}
std::string riff(const std::string& chunks) { return chunk("RIFF", "WEBP" + chunks); }
/// The header of a file of several parts: `flags` are 2 for an animation and 8 for EXIF data.
std::string canvas(int flags, std::size_t width, std::size_t height) {
  return chunk("VP8X", little_endian(static_cast<std::size_t>(flags), 4) + little_endian(width - 1, 3) +
                           little_endian(height - 1, 3));
}
/// The chunk with the pixels of a simple file.
std::string pixels_of(const std::string& file) { return file.substr(12); }
/// A frame of an animation, whose corner (x, y) is even.
std::string frame(const std::string& file, std::size_t x, std::size_t y, std::size_t width,
                  std::size_t height) {
  return chunk("ANMF", little_endian(x / 2, 3) + little_endian(y / 2, 3) + little_endian(width - 1, 3) +
                           little_endian(height - 1, 3) + little_endian(100, 3) + "\0"s + pixels_of(file));
}

image decoded(std::string_view file, const decode_options& options = {}) {
  image picture;
  decode_image(std::as_bytes(std::span{file}), "a.webp", options, picture);
  return picture;
}

}  // namespace

TEST_CASE("lossless WebP files decode to their pixels, lossy ones nearly, to RGB or gray") {
  const image picture = smooth_picture(33, 47);
  const image read = decoded(webp_of(picture));
  CHECK(read.height == 33);
  CHECK(read.width == 47);
  CHECK(read.channels == 3);
  CHECK(read.pixels == picture.pixels);
  CHECK(difference(decoded(webp_of(picture, 95)), picture) < 3);
  CHECK(decoded(webp_of(picture), {.channels = 0}).channels == 3);
  const image gray = decoded(webp_of(picture), {.channels = 1});
  CHECK(gray.channels == 1);
  CHECK(gray.pixels.size() == 33 * 47);
  CHECK(is_image_suffix(".WebP"));
}

TEST_CASE("alpha is dropped unless four channels are asked for") {
  image picture{4, 6, 4, {}};
  for (int i = 0; i < 4 * 6 * 4; ++i) picture.pixels.push_back(static_cast<std::uint8_t>(40 + 2 * i));
  const std::string file = webp_of(picture);
  CHECK(decoded(file, {.channels = 4}).pixels == picture.pixels);
  const image color = decoded(file);
  CHECK(color.channels == 3);
  for (std::size_t i = 0; i < 4 * 6; ++i)
    for (std::size_t c = 0; c < 3; ++c) CHECK(color.pixels[3 * i + c] == picture.pixels[4 * i + c]);
}

TEST_CASE("of an animation the first frame is read, at its place on a black canvas") {
  const image first = smooth_picture(3, 5), second{7, 9, 3, std::vector<std::uint8_t>(7 * 9 * 3, 200)};
  const std::string start =
      canvas(2, 9, 7) + chunk("ANIM", little_endian(0xFFFFFFFF, 4) + little_endian(0, 2));
  const image read =
      decoded(riff(start + frame(webp_of(first), 4, 2, 5, 3) + frame(webp_of(second), 0, 0, 9, 7)));
  REQUIRE(read.height == 7);
  REQUIRE(read.width == 9);
  for (std::size_t y = 0; y < 7; ++y)
    for (std::size_t x = 0; x < 9; ++x)
      for (std::size_t c = 0; c < 3; ++c) {
        const bool inside = y >= 2 && y < 5 && x >= 4;
        CHECK(read.pixels[(y * 9 + x) * 3 + c] == (inside ? first.pixels[((y - 2) * 5 + x - 4) * 3 + c] : 0));
      }
  check_throws<bad_image>([&] { decoded(riff(start)); }, "a.webp: damaged WebP: ");
}

TEST_CASE("the EXIF orientation behind the pixels is applied if the options say so") {
  const image picture = smooth_picture(3, 5);
  const std::string exif{"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0", 26};
  const std::string file = riff(canvas(8, 5, 3) + pixels_of(webp_of(picture)) + chunk("EXIF", exif));
  CHECK(read_exif_orientation(std::as_bytes(std::span{file})) == 6);
  CHECK(decoded(file).pixels == picture.pixels);
  const image upright = decoded(file, {.orientation = exif_orientation::apply});
  CHECK(upright.height == 5);
  image turned = picture;
  turn_upright(turned, 6);
  CHECK(upright.pixels == turned.pixels);
}

TEST_CASE("a WebP truncated at any byte, or too large, is refused with its name and nothing is printed") {
  const image picture = smooth_picture(24, 24);
  const std::string printed = printed_by([&] {
    for (const std::string& file : {webp_of(picture), webp_of(picture, 80)}) {
      for (std::size_t length = 12; length < file.size(); ++length) {
        CAPTURE(length);
        check_throws<bad_image>([&] { decoded(file.substr(0, length)); }, "a.webp: damaged WebP: ");
      }
      check_throws<bad_image>([&] { decoded(file, {.max_pixels = 575}); }, "a.webp: 24 x 24 pixels",
                              "575 allowed");
    }
  });
  CHECK(printed == "");
}

TEST_CASE("a few bytes that announce a large canvas are refused before its memory is allocated") {
  const std::string file = webp_of(smooth_picture(4, 4));
  const std::string large = riff(canvas(0, 1 << 14, 1 << 14) + pixels_of(file));
  check_throws<bad_image>([&] { decoded(large); }, "a.webp: ");
  const std::string animation =
      riff(canvas(2, 1 << 14, 1 << 14) + chunk("ANIM", std::string(6, '\0')) + frame(file, 0, 0, 4, 4));
  check_throws<bad_image>([&] { decoded(animation); }, "a.webp: 16384 x 16384 pixels", "max_pixels");
}
