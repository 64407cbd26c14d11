#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/core/random.hpp>
#include <pretext/io/decode.hpp>
#include <pretext/io/file.hpp>

#include "support/pictures.hpp"
#include "support/printed_by.hpp"
#include "support/temporary_folder.hpp"

using namespace pretext;

namespace {

image decoded(std::string_view file, decode_options options = {}) {
  image picture;
  decode_image(std::as_bytes(std::span{file}), "file", options, picture);
  return picture;
}

template <class... Words>
void check_refused(std::string_view file, const Words&... words) {
  check_throws<bad_image>([&] { decoded(file); }, "file: ", words...);
}

}  // namespace

TEST_CASE("a JPEG of high quality decodes to nearly the same pixels, baseline and progressive") {
  const image picture = smooth_picture(33, 47);
  for (const bool progressive : {false, true}) {
    const image read = decoded(jpeg_of(picture, {.quality = 98, .progressive = progressive}));
    CHECK(read.height == 33);
    CHECK(read.width == 47);
    CHECK(read.channels == 3);
    CHECK(difference(read, picture) < 1.5);
  }
}

TEST_CASE("gray and CMYK JPEGs become RGB") {
  const image gray = decoded(jpeg_of(smooth_picture(16, 24, 1), {JCS_GRAYSCALE, JCS_GRAYSCALE, 98}));
  REQUIRE(gray.pixels.size() == 3 * 16 * 24);
  for (std::size_t at = 0; at < gray.pixels.size(); at += 3) {
    CHECK(gray.pixels[at] == gray.pixels[at + 1]);
    CHECK(gray.pixels[at] == gray.pixels[at + 2]);
  }
  // libjpeg writes the Adobe marker with CMYK, so that inks are stored inverted: 255 is no ink.
  image inks{8, 8, 4, {}};
  for (int i = 0; i < 64; ++i) inks.pixels.insert(inks.pixels.end(), {200, 100, 50, 128});
  for (const J_COLOR_SPACE stored : {JCS_CMYK, JCS_YCCK}) {
    const image read = decoded(jpeg_of(inks, {JCS_CMYK, stored, 100}));
    REQUIRE(read.pixels.size() == 3 * 64);
    CHECK(std::abs(read.pixels[0] - 200 * 128 / 255) <= 2);
    CHECK(std::abs(read.pixels[1] - 100 * 128 / 255) <= 2);
    CHECK(std::abs(read.pixels[2] - 50 * 128 / 255) <= 2);
  }
}

TEST_CASE(
    "a large JPEG is decoded at half, quarter or eighth while its shorter side stays twice the target") {
  const std::string file = jpeg_of(smooth_picture(400, 640));
  const auto height = [&](std::size_t target) { return decoded(file, {.target_side = target}).height; };
  CHECK(height(0) == 400);
  CHECK(height(101) == 400);
  CHECK(height(100) == 200);
  CHECK(height(50) == 100);
  CHECK(height(25) == 50);
  CHECK(height(3) == 50);
  const image half = decoded(file, {.target_side = 100});
  CHECK(half.width == 320);
  CHECK(difference(half, smooth_picture(200, 320)) < 2);
}

TEST_CASE("every kind of PNG becomes RGB") {
  const image picture = smooth_picture(5, 7);
  for (const bool interlaced : {false, true})
    CHECK(decoded(png_of(5, 7, PNG_COLOR_TYPE_RGB, 8, picture.pixels, interlaced)).pixels == picture.pixels);
  CHECK(decoded(png_of(1, 2, PNG_COLOR_TYPE_GRAY, 8, {7, 9})).pixels ==
        std::vector<std::uint8_t>{7, 7, 7, 9, 9, 9});
  CHECK(decoded(png_of(1, 2, PNG_COLOR_TYPE_RGBA, 8, {1, 2, 3, 0, 4, 5, 6, 255})).pixels ==
        std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6});
  CHECK(decoded(png_of(1, 1, PNG_COLOR_TYPE_GRAY_ALPHA, 8, {8, 100})).pixels ==
        std::vector<std::uint8_t>{8, 8, 8});
  CHECK(decoded(png_of(1, 1, PNG_COLOR_TYPE_RGB, 8, {255, 128, 0})).pixels ==
        std::vector<std::uint8_t>{255, 128, 0});
  CHECK(decoded(png_of(1, 8, PNG_COLOR_TYPE_GRAY, 1, {0b10110000})).pixels[0] == 255);
  CHECK(decoded(png_of(1, 4, PNG_COLOR_TYPE_PALETTE, 2, {0b00011011}, false,
                       {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {10, 11, 12}}))
            .pixels == std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
}

TEST_CASE("a PNG of 16 bits keeps its samples") {
  const image color = decoded(png_of(1, 1, PNG_COLOR_TYPE_RGB, 16, {0x12, 0x34, 128, 128, 0, 1}));
  REQUIRE(color.type == sample_type::uint16);
  CHECK(std::ranges::equal(color.samples<std::uint16_t>(), std::vector<std::uint16_t>{0x1234, 0x8080, 1}));
  const std::string file = png_of(1, 2, PNG_COLOR_TYPE_GRAY, 16, {0x0B, 0xB8, 0x27, 0x10});
  const image gray = decoded(file, {.channels = 1});
  CHECK(gray.channels == 1);
  CHECK(std::ranges::equal(gray.samples<std::uint16_t>(), std::vector<std::uint16_t>{3000, 10000}));
  CHECK(std::ranges::equal(decoded(file).samples<std::uint16_t>(),
                           std::vector<std::uint16_t>{3000, 3000, 3000, 10000, 10000, 10000}));
  image again;
  decode_image(encode_png(gray), "file", {.channels = 1}, again);
  CHECK(again.type == sample_type::uint16);
  CHECK(again.pixels == gray.pixels);
}

TEST_CASE("files become gray or RGB or keep their channels, as asked, and are refused otherwise") {
  const std::string rgba = png_of(1, 1, PNG_COLOR_TYPE_RGBA, 8, {200, 100, 50, 7});
  CHECK(decoded(rgba, {.channels = 1}).pixels == std::vector<std::uint8_t>{124});  // .299 R + .587 G + .114 B
  CHECK(decoded(rgba, {.channels = 4}).pixels == std::vector<std::uint8_t>{200, 100, 50, 7});
  CHECK(decoded(rgba, {.channels = 0}).pixels == std::vector<std::uint8_t>{200, 100, 50});
  const std::string gray = png_of(1, 1, PNG_COLOR_TYPE_GRAY, 8, {9});
  CHECK(decoded(gray, {.channels = 0}).channels == 1);
  CHECK(decoded(jpeg_of(smooth_picture(16, 24, 1), {JCS_GRAYSCALE, JCS_GRAYSCALE, 98}), {.channels = 1})
            .channels == 1);
  check_throws<bad_image>([&] { decoded(gray, {.channels = 5}); },
                          "file: has 1 channel, and the network takes", "images of 5");
}

TEST_CASE("levels are the type's range, a window, or percentiles of each image") {
  std::vector<std::uint8_t> big_endian;
  for (int i = 0; i <= 100; ++i) big_endian.insert(big_endian.end(), {static_cast<std::uint8_t>(i), 0});
  const std::string file = png_of(1, 101, PNG_COLOR_TYPE_GRAY, 16, big_endian);
  CHECK(decoded(file, {.channels = 1}).range == sample_range{});
  CHECK(decoded(file, {.channels = 1, .levels = {level_rule::window, 1000, 3000}}).range ==
        sample_range{1000, 3000});
  CHECK(decoded(file, {.channels = 1, .levels = {level_rule::percentiles, 2, 97.5f}}).range ==
        sample_range{2 * 256, 97.5f * 256});
  check_throws<std::invalid_argument>(
      [&] {
        decoded(file, {.levels = {level_rule::percentiles, 99, 1}});
      },
      "percentiles", "99 and 1");
}

TEST_CASE("percentiles interpolate between samples and do not count NaN") {
  std::vector<float> samples{4, NAN, 1, 3, 2, NAN};
  CHECK(percentiles_of(samples, 0, 50) == sample_range{1, 2.5f});
  CHECK(percentiles_of(samples, 10, 100) == sample_range{1.3f, 4});
  std::vector<float> none{NAN};
  CHECK(percentiles_of(none, 1, 99) == sample_range{});
}

TEST_CASE("a format without a reader says which component is missing, and one can be added") {
  // The reader's header is not included here.
  const std::string zeros(128, '\0');
  const std::map<std::string, std::array<std::string, 3>> missing{
      {"TIFF", {std::string{"II*\0abcd", 8}, ".TIF", "link pretext::tiff"}},
      {"WebP", {"RIFF1234WEBPVP8 ", ".webp", "link pretext::webp"}},
      {"DICOM", {zeros + "DICM", ".Dcm", "link pretext::dicom"}}};
  for (const auto& [format, expected] : missing) {
    const auto& [file, suffix, component] = expected;
    check_refused(file, "without a reader of " + format, component);
    CHECK(!is_image_suffix(suffix));
    CHECK(missing_reader(suffix).find(component) == ("; to read " + format + ", ").size());
  }
  check_refused(zeros + "DIC", "neither JPEG nor PNG");
  CHECK(is_image_suffix(".PNG"));
  CHECK(missing_reader(".png").empty());
  CHECK(!is_image_suffix(".flat"));
  add_image_format({"flat", {"flat"}, {".flat"}, [](auto file, const auto&, const auto&, image& out) {
                      out.resize<std::uint8_t>(1, 1, 1)[0] = static_cast<std::uint8_t>(file[4]);
                    }});
  CHECK(is_image_suffix(".flat"));
  CHECK(decoded("flat!", {.channels = 3}).pixels == std::vector<std::uint8_t>{'!', '!', '!'});
  image_formats().pop_back();
}

TEST_CASE("a picture encoded as PNG decodes to the same pixels") {
  const image picture = smooth_picture(9, 13);
  const auto file = encode_png(picture);
  image read;
  decode_png(file, "file", {}, read);
  CHECK(read.pixels == picture.pixels);
  const image gray = smooth_picture(4, 3, 1);
  decode_png(encode_png(gray), "file", {}, read);
  CHECK(read.pixels[3 * 5] == gray.pixels[5]);
  check_throws<std::invalid_argument>([] { encode_png(image{1, 1, 2, {0, 0}}); }, "1 x 1 x 2");
}

TEST_CASE("a JPEG, or the pixels of a PNG, truncated at any byte is rejected, and nothing is printed") {
  const image picture = smooth_picture(24, 24);
  const std::string printed = printed_by([&] {
    for (const std::string& file : {jpeg_of(picture), jpeg_of(picture, {.progressive = true}),
                                    png_of(24, 24, PNG_COLOR_TYPE_RGB, 8, picture.pixels),
                                    png_of(24, 24, PNG_COLOR_TYPE_RGB, 8, picture.pixels, true)}) {
      decoded(file);
      const std::size_t needed = file[0] == '\x89' ? file.size() - 12 : file.size();  // without IEND
      for (std::size_t length = 0; length < needed; ++length) {
        CAPTURE(length);
        check_refused(std::string_view{file}.substr(0, length));
      }
    }
  });
  CHECK(printed == "");
}

TEST_CASE("a PNG is read without its end, with other bytes there, and with a damaged comment") {
  const image picture = smooth_picture(24, 24);
  for (const bool interlaced : {false, true}) {
    const std::string file = png_of(24, 24, PNG_COLOR_TYPE_RGB, 8, picture.pixels, interlaced);
    const std::string without_end = file.substr(0, file.size() - 12);
    CHECK(decoded(without_end).pixels == picture.pixels);
    CHECK(decoded(file.substr(0, file.size() - 5)).pixels == picture.pixels);
    CHECK(decoded(without_end + std::string(300, '\0')).pixels == picture.pixels);
    const std::string comment{"\0\0\0\3tEXtA\0B\1\2\3\4", 15};  // a wrong checksum
    CHECK(decoded(file.substr(0, 33) + comment + file.substr(33)).pixels == picture.pixels);
  }
}

TEST_CASE("peculiarities of JPEG writers that lose no data change no pixel") {
  const image picture = smooth_picture(40, 56);
  const std::string baseline = jpeg_of(picture), progressive = jpeg_of(picture, {.progressive = true});
  const auto pixels = decoded(baseline).pixels;

  // The front cameras of some phones write 0, 0, 0 instead of 0, 63, 0 behind the components of the scan.
  std::string camera = baseline;
  const std::size_t scan = camera.find("\xFF\xDA") + 5 + 2 * 3;
  REQUIRE(camera.substr(scan, 3) == std::string{"\0\x3F\0", 3});
  camera[scan + 1] = 0;
  CHECK(decoded(camera).pixels == pixels);

  // The first scan, of all DC coefficients, twice.
  const std::size_t first = progressive.find("\xFF\xDA"), second = progressive.find("\xFF\xC4", first);
  CHECK(decoded(progressive.substr(0, second) + progressive.substr(first)).pixels ==
        decoded(progressive).pixels);

  const std::size_t tables = baseline.find("\xFF\xDB");
  CHECK(decoded(baseline.substr(0, tables) + "\xFF\xFF\xFF" + baseline.substr(tables)).pixels == pixels);
  CHECK(decoded(baseline + std::string(999, '\0')).pixels == pixels);
  CHECK(decoded(baseline.substr(0, baseline.size() - 2) + std::string(64, '\0') + "\xFF\xD9").pixels ==
        pixels);
}

TEST_CASE("a JPEG that lost bytes between two restart markers is refused: its pixels would be guesses") {
  std::string file = jpeg_of(smooth_picture(64, 64), {.restart_rows = 1});
  const std::size_t marker = file.find("\xFF\xD1");
  REQUIRE(marker != std::string::npos);
  check_refused(file.erase(marker - 3, 3), "damaged JPEG");
}

TEST_CASE("damaged bytes neither crash nor print: they give some picture or an error") {
  const image picture = smooth_picture(24, 24);
  std::size_t refused = 0, read = 0;
  const std::string printed = printed_by([&] {
    for (std::string file : {jpeg_of(picture), jpeg_of(picture, {.progressive = true}),
                             png_of(24, 24, PNG_COLOR_TYPE_RGB, 8, picture.pixels)})
      for (std::uint32_t trial = 0; trial < 800; ++trial) {
        const random_key key{.seed = 3, .sample = trial};
        std::string broken = file;
        for (std::uint32_t hit = 0; hit <= trial % 4; ++hit)
          broken[key.uniform_int(2 * hit, static_cast<std::uint32_t>(file.size()))] =
              static_cast<char>(key.uniform_int(2 * hit + 1, 256));
        try {
          const image any = decoded(broken, {.max_pixels = 1'000'000});
          CHECK(any.pixels.size() == 3 * any.height * any.width);
          ++read;
        } catch (const bad_image& error) {
          CHECK(std::string_view{error.what()}.starts_with("file: "));
          ++refused;
        }
      }
  });
  CHECK(printed == "");
  CHECK(refused > 400);
  CHECK(read > 100);
}

TEST_CASE("other files and too many pixels are rejected with a message") {
  check_refused("", "empty");
  check_refused("GIF89a", "neither JPEG nor PNG");
  check_refused("\xFF\xD8 and then some text", "damaged JPEG");
  for (const std::string& file : {jpeg_of(smooth_picture(40, 50)),
                                  png_of(40, 50, PNG_COLOR_TYPE_GRAY, 8, std::vector<std::uint8_t>(2000))})
    check_throws<bad_image>([&] { decoded(file, {.max_pixels = 1999}); }, "50", "40",
                            "more than the 1999 allowed");
}

TEST_CASE("the limit of pixels concerns what is decoded: a large JPEG is read at a fraction of its size") {
  const std::string file = jpeg_of(smooth_picture(400, 640));
  CHECK(decoded(file, {.target_side = 100, .max_pixels = 200 * 320}).height == 200);
  check_throws<bad_image>([&] { decoded(file, {.target_side = 100, .max_pixels = 200 * 320 - 1}); },
                          "200 x 320", "max_pixels");
  check_throws<bad_image>([&] { decoded(file, {.max_pixels = 200 * 320}); }, "400 x 640");
}

namespace {

std::string segment(char marker, const std::string& contents) {
  const std::size_t length = contents.size() + 2;
  return std::string{'\xFF', marker, static_cast<char>(length >> 8), static_cast<char>(length & 255)} +
         contents;
}

/// The beginning of a progressive JPEG of 9990 x 10000 pixels: tables and a first scan in which every block
/// is one bit. The only AC code ends 16384 to 32767 blocks.
std::string progressive_start(std::size_t components) {
  std::string frame{"\x08\x27\x06\x27\x10", 5}, scan;
  for (auto list : {&frame, &scan}) list->push_back(static_cast<char>(components));
  for (std::size_t c = 1; c <= components; ++c) {
    frame += std::string{static_cast<char>(c), '\x11', '\0'};
    scan += std::string{static_cast<char>(c), '\0'};
  }
  const auto table = [](char which, char code) {
    return segment('\xC4', std::string{which, '\1'} + std::string(15, '\0') + code);
  };
  return "\xFF\xD8" + segment('\xDB', '\0' + std::string(64, '\1')) + segment('\xC2', frame) +
         table('\0', '\0') + table('\x10', '\xE0') + segment('\xDA', scan + std::string{'\0', '\0', '\x0D'}) +
         std::string((1249 * 1250 * components + 7) / 8, '\0');
}

/// The checksum of a PNG chunk.
std::string checksum(const std::string& chunk) {
  std::uint32_t rest = 0xFFFFFFFF;
  for (const char byte : chunk) {
    rest ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? 0xEDB88320 : 0);
  }
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(~rest >> shift));
  return bytes;
}

}  // namespace

TEST_CASE("a small JPEG can demand neither many scans of a large image, nor memory without end") {
  std::string scans = progressive_start(1);
  for (char k = 1; k <= 60; ++k) {  // 60 scans of 1 561 250 blocks: 48 codes of 15 bits each
    std::string bits;
    for (int run = 0; run < 48; ++run) bits += "000000000000000";
    scans += segment('\xDA', std::string{'\1', '\1', '\0', k, k, '\x0D'}) +
             std::string(bits.size() / 8 + 90, '\0');
  }
  check_refused(scans + "\xFF\xD9", "too many scans", "9990 x 10000");
  check_refused(progressive_start(4) + "\xFF\xD9", "memory");
  const std::string start = progressive_start(1);
  check_refused(start.substr(0, 400) + "\xFF\xD9", "too few for 9990 x 10000");
  // A PNG of 10 000 x 10 000 pixels in 57 bytes.
  std::string header{"IHDR\0\0\x27\x10\0\0\x27\x10\x08\2\0\0\0", 17};
  check_refused("\x89PNG\r\n\x1A\n" + std::string{"\0\0\0\x0D", 4} + header + checksum(header) +
                    std::string{"\0\0\0\0IDAT\x35\xAF\x06\x1E", 12},
                "fewer bytes than the pixels need");
}

TEST_CASE("a PNG chunk that announces a gigabyte, which is not there, allocates nothing") {
  // Kilobytes of address space that the process had at most; 0 where Linux does not say it.
  const auto peak = [] {
    std::ifstream status{"/proc/self/status"};
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmPeak:")) return std::stol(line.substr(7));
    return 0L;
  };
  const std::string file = png_of(1, 2, PNG_COLOR_TYPE_GRAY, 8, {7, 9});
  const std::string announced = file.substr(0, 33) + std::string{"\x40\0\0\0eXIf", 8} + file.substr(33);
  const long before = peak();
  check_refused(announced, "the file ends too early");
  CHECK(peak() - before < 500'000);
}
