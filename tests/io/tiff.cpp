#include <pretext/io/tiff.hpp>

#include "support/temporary_folder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/io/file.hpp>

using namespace pretext;

namespace {

/// What a test's file shall be.
struct wanted {
  std::uint32_t height = 5, width = 7;
  std::uint16_t channels = 1, bits = 16, format = SAMPLEFORMAT_UINT, photometric = PHOTOMETRIC_MINISBLACK;
  std::uint16_t compression = COMPRESSION_NONE, planar = PLANARCONFIG_CONTIG, alpha = 0;
  std::uint32_t tile = 0;  ///< side; 0: strips of two rows
  std::vector<std::uint16_t> palette{};
};

/// The bytes of a file with these samples, (height, width, channels), written by libtiff.
template <class T>
std::vector<std::byte> tiff_of(const wanted& as, const std::vector<T>& samples) {
  const temporary_folder folder;
  TIFF* const tiff = TIFFOpen((folder / "a.tif").c_str(), "w");
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, as.height);
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, as.width);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, as.channels);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, as.bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, as.format);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, as.photometric);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, as.compression);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, as.planar);
  const std::uint16_t plain = as.photometric == PHOTOMETRIC_RGB ? 3 : 1;
  if (as.channels > plain) {
    std::vector<std::uint16_t> extra(as.channels - plain, as.alpha);
    TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, extra.size(), extra.data());
  }
  if (!as.palette.empty())
    TIFFSetField(tiff, TIFFTAG_COLORMAP, as.palette.data(), as.palette.data(), as.palette.data());
  const bool separate = as.planar == PLANARCONFIG_SEPARATE;
  const std::uint32_t rows = as.tile ? as.tile : 2, columns = as.tile ? as.tile : as.width;
  if (as.tile) {
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, rows);
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, columns);
  } else {
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, rows);
  }
  for (std::uint16_t plane = 0; plane < (separate ? as.channels : 1); ++plane)
    for (std::uint32_t top = 0; top < as.height; top += rows)
      for (std::uint32_t left = 0; left < as.width; left += columns) {
        std::vector<T> block;
        for (std::uint32_t y = top; y < top + rows; ++y)
          for (std::uint32_t x = left; x < left + columns; ++x)
            for (std::uint16_t c = separate ? plane : 0; c < (separate ? plane + 1 : as.channels); ++c)
              block.push_back(y < as.height && x < as.width ? samples[(y * as.width + x) * as.channels + c]
                                                            : T{});
        const auto used = as.tile ? block.size() : block.size() / rows * std::min(rows, as.height - top);
        const auto bytes = static_cast<tmsize_t>(used * sizeof(T));
        if (as.tile)
          TIFFWriteEncodedTile(tiff, TIFFComputeTile(tiff, left, top, 0, plane), block.data(), bytes);
        else
          TIFFWriteEncodedStrip(tiff, TIFFComputeStrip(tiff, top, plane), block.data(), bytes);
      }
  TIFFClose(tiff);
  return read_file(folder / "a.tif");
}

template <class T>
std::vector<T> counting(const wanted& as, T step) {
  std::vector<T> samples(as.height * as.width * as.channels);
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<T>(static_cast<double>(i) * static_cast<double>(step));
  return samples;
}

image decoded(std::span<const std::byte> file, const decode_options& options = {.channels = 0}) {
  image picture;
  decode_image(file, "a.tif", options, picture);
  return picture;
}

}  // namespace

TEST_CASE("samples of 8 and 16 bits and floats of any number of channels are kept, however they are stored") {
  for (const auto channels : std::vector<std::uint16_t>{1, 3, 5})
    for (const auto planar : std::vector<std::uint16_t>{PLANARCONFIG_CONTIG, PLANARCONFIG_SEPARATE})
      for (const std::uint32_t tile : {0, 16})
        for (const auto compression :
             std::vector<std::uint16_t>{COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE}) {
          wanted as{.height = 19,
                    .width = 21,
                    .channels = channels,
                    .compression = compression,
                    .planar = planar,
                    .tile = tile};
          CAPTURE(channels);
          CAPTURE(planar);
          CAPTURE(tile);
          const auto words = counting<std::uint16_t>(as, 31);
          const image sixteen = decoded(tiff_of(as, words));
          CHECK(sixteen.channels == channels);
          REQUIRE(sixteen.type == sample_type::uint16);
          CHECK(std::ranges::equal(sixteen.samples<std::uint16_t>(), words));
          as.bits = 8;
          const auto bytes = counting<std::uint8_t>(as, 1);
          CHECK(decoded(tiff_of(as, bytes)).pixels == bytes);
          as.bits = 32;
          as.format = SAMPLEFORMAT_IEEEFP;
          const auto floats = counting<float>(as, -.75f);
          CHECK(std::ranges::equal(decoded(tiff_of(as, floats)).samples<float>(), floats));
        }
}

TEST_CASE("integers with a sign or of 32 bits and doubles become floats") {
  const wanted as{.bits = 16, .format = SAMPLEFORMAT_INT};
  const auto heights = counting<std::int16_t>(as, -20);
  const image read = decoded(tiff_of(as, heights));
  REQUIRE(read.type == sample_type::float32);
  CHECK(std::ranges::equal(read.samples<float>(), heights));
  const wanted real{.bits = 64, .format = SAMPLEFORMAT_IEEEFP};
  const auto doubles = counting<double>(real, .5);
  CHECK(std::ranges::equal(decoded(tiff_of(real, doubles)).samples<float>(), doubles));
  const wanted wide{.bits = 32};
  const auto counts = counting<std::uint32_t>(wide, 1000);
  CHECK(std::ranges::equal(decoded(tiff_of(wide, counts)).samples<float>(), counts));
}

TEST_CASE("a range descends where white is 0, with any levels, and palettes become RGB") {
  wanted as{.photometric = PHOTOMETRIC_MINISWHITE};
  const auto file = tiff_of(as, counting<std::uint16_t>(as, 10));
  CHECK(decoded(file).range == sample_range{65535, 0});
  CHECK(decoded(file, {.channels = 1, .levels = {level_rule::window, 100, 300}}).range ==
        sample_range{300, 100});
  std::vector<std::uint16_t> ramp(256);
  for (std::size_t i = 0; i < 256; ++i) ramp[i] = static_cast<std::uint16_t>(257 * (255 - i));
  as = {.bits = 8, .photometric = PHOTOMETRIC_PALETTE, .palette = ramp};
  const image colors = decoded(tiff_of(as, counting<std::uint8_t>(as, 1)), {});
  CHECK(colors.channels == 3);
  CHECK(colors.pixels[3 * 5 + 1] == 250);
}

TEST_CASE("transparency is dropped, an unspecified fourth channel is a channel") {
  wanted as{.height = 1,
            .width = 1,
            .channels = 4,
            .bits = 8,
            .photometric = PHOTOMETRIC_RGB,
            .alpha = EXTRASAMPLE_UNASSALPHA};
  const std::vector<std::uint8_t> samples{1, 2, 3, 4};
  CHECK(decoded(tiff_of(as, samples), {}).pixels == std::vector<std::uint8_t>{1, 2, 3});
  CHECK(decoded(tiff_of(as, samples), {.channels = 4}).pixels == samples);
  as.alpha = EXTRASAMPLE_UNSPECIFIED;
  CHECK(decoded(tiff_of(as, samples), {.channels = 4}).pixels == samples);
  check_throws<bad_image>([&] { decoded(tiff_of(as, samples), {}); }, "a.tif: has 4 channels", "images of 3");
}

TEST_CASE("a TIFF truncated at any byte, or too large, is refused with its name and nothing is printed") {
  const wanted as{.compression = COMPRESSION_LZW};
  const auto file = tiff_of(as, counting<std::uint16_t>(as, 31));
  for (std::size_t size = 8; size < file.size(); size += 3)
    check_throws<bad_image>([&] { decoded(std::span{file}.first(size)); }, "a.tif: damaged TIFF: ");
  check_throws<bad_image>([&] { decoded(file, {.max_pixels = 34}); }, "a.tif: 5 x 7 pixels", "34 allowed");
}

TEST_CASE("a few bytes that announce a large image are refused before its memory is allocated") {
  auto file = tiff_of({}, counting<std::uint16_t>({}, 1));
  for (std::size_t at = 0; at + 12 <= file.size();
       ++at) {  // the directory's entries: tag, type, count, value
    const auto tag = static_cast<unsigned>(file[at]) | static_cast<unsigned>(file[at + 1]) << 8;
    if ((tag == TIFFTAG_IMAGELENGTH || tag == TIFFTAG_IMAGEWIDTH) && file[at + 2] < std::byte{5} &&
        file[at + 4] == std::byte{1}) {
      file[at + 8] = file[at + 9] = std::byte{0x20};
    }
  }
  check_throws<bad_image>([&] { decoded(file); }, "fewer bytes than the samples need");
}
