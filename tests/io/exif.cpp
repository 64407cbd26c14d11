#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/io/decode.hpp>
#include <pretext/io/exif.hpp>

#include "support/pictures.hpp"

using namespace pretext;
using namespace std::string_literals;

namespace {

std::string integer(std::uint32_t value, std::size_t size, bool big_endian) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i)
    bytes.push_back(static_cast<char>(value >> 8 * (big_endian ? size - 1 - i : i)));
  return bytes;
}

/// A TIFF header and a directory of two entries, the second of which is the orientation.
std::string exif_of(unsigned orientation, bool big_endian) {
  const auto number = [&](std::uint32_t value, std::size_t size) { return integer(value, size, big_endian); };
  return (big_endian ? "MM" : "II") + number(42, 2) + number(8, 4) + number(2, 2) +  //
         number(0x0100, 2) + number(4, 2) + number(1, 4) + number(640, 4) +          //
         number(0x0112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + number(0, 2) +
         number(0, 4);
}

std::string with_exif_jpeg(const std::string& jpeg, const std::string& exif) {
  const std::string contents = std::string{"Exif\0\0", 6} + exif;
  const std::string comment = "\xFF\xFE" + integer(5, 2, true) + "abc";
  return jpeg.substr(0, 2) + comment + "\xFF\xE1" +
         integer(static_cast<std::uint32_t>(contents.size() + 2), 2, true) + contents + jpeg.substr(2);
}

std::string with_exif_png(const std::string& png, const std::string& exif) {
  const std::string chunk = "eXIf" + exif;
  return png.substr(0, 33) + integer(static_cast<std::uint32_t>(exif.size()), 4, true) + chunk + "\0\0\0\0"s +
         png.substr(33);
}

int orientation_in(std::string_view file) { return read_exif_orientation(std::as_bytes(std::span{file})); }

image decoded(std::string_view file, exif_orientation orientation) {
  image picture;
  decode_image(std::as_bytes(std::span{file}), "file", {.orientation = orientation}, picture);
  return picture;
}

/// 1 2 3 above 4 5 6, upright, for every orientation in which it may be stored.
const std::vector<std::vector<std::uint8_t>> turned{
    {1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1}, {4, 5, 6, 1, 2, 3},
    {1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3}, {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4}};

}  // namespace

TEST_CASE("a PNG of each of the eight orientations is turned upright, or returned as it is stored") {
  const std::string file = png_of(2, 3, PNG_COLOR_TYPE_GRAY, 8, {1, 2, 3, 4, 5, 6});
  for (unsigned orientation = 1; orientation <= 8; ++orientation)
    for (const bool big_endian : {false, true}) {
      const std::string tagged = with_exif_png(file, exif_of(orientation, big_endian));
      CHECK(orientation_in(tagged) == static_cast<int>(orientation));
      CHECK(decoded(tagged, exif_orientation::ignore).pixels ==
            decoded(file, exif_orientation::ignore).pixels);
      const image upright = decoded(tagged, exif_orientation::apply);
      CHECK(upright.height == (orientation < 5 ? 2 : 3));
      CHECK(upright.width == (orientation < 5 ? 3 : 2));
      REQUIRE(upright.pixels.size() == 18);
      for (std::size_t i = 0; i < 6; ++i)
        for (std::size_t c = 0; c < 3; ++c) CHECK(upright.pixels[3 * i + c] == turned[orientation - 1][i]);
    }
}

TEST_CASE(
    "a JPEG of each of the eight orientations is turned like its pixels, also at a fraction of its size") {
  const std::string file = jpeg_of(smooth_picture(64, 96));
  for (unsigned orientation = 1; orientation <= 8; ++orientation)
    for (const std::size_t target : {0, 16}) {
      const std::string tagged = with_exif_jpeg(file, exif_of(orientation, orientation % 2 == 0));
      image upright, expected;
      const auto bytes = std::as_bytes(std::span{tagged});
      decode_image(bytes, "file", {.target_side = target}, expected);
      turn_upright(expected, static_cast<int>(orientation));
      decode_image(bytes, "file", {.target_side = target, .orientation = exif_orientation::apply}, upright);
      CHECK(upright.pixels == expected.pixels);
      CHECK(upright.height == (orientation < 5 ? 64u : 96u) / (target ? 2 : 1));
    }
}

TEST_CASE("files without EXIF data, with a value out of range, or cut off anywhere have orientation 1") {
  const std::string jpeg = jpeg_of(smooth_picture(8, 8)), png = png_of(1, 1, PNG_COLOR_TYPE_GRAY, 8, {7});
  CHECK(orientation_in("") == 1);
  CHECK(orientation_in("GIF89a") == 1);
  CHECK(orientation_in(jpeg) == 1);
  CHECK(orientation_in(png) == 1);
  for (const unsigned orientation : {0u, 9u, 65535u})
    CHECK(orientation_in(with_exif_jpeg(jpeg, exif_of(orientation, true))) == 1);
  for (const std::string& file :
       {with_exif_jpeg(jpeg, exif_of(6, true)), with_exif_png(png, exif_of(6, false))})
    for (std::size_t length = 0; length < file.size(); ++length) {
      const int found = orientation_in(std::string_view{file}.substr(0, length));
      CHECK((found == 1 || found == 6));
    }
  // A directory that begins or ends behind the data.
  std::string outside = exif_of(6, true), endless = exif_of(9, true);
  outside.replace(4, 4, "\xFF\xFF\xFF\xF0");
  endless.replace(8, 2, "\xFF\xFF");
  endless[22] = '\x02';
  for (const std::string& exif : {outside, endless, std::string{"MM"}, std::string{}})
    CHECK(orientation_in(with_exif_jpeg(jpeg, exif)) == 1);
}
