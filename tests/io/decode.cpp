#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/core/random.hpp>
#include <pretext/io/decode.hpp>
#include <pretext/io/file.hpp>

#include "support/pictures.hpp"
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

/// The text printed to stderr during `call`.
template <class Call>
std::string printed_by(Call&& call) {
  const temporary_folder folder;
  std::fflush(stderr);
  const int before = dup(2);
  FILE* capture = std::fopen((folder / "stderr").c_str(), "w");
  dup2(fileno(capture), 2);
  call();
  std::fflush(stderr);
  dup2(before, 2);
  close(before);
  std::fclose(capture);
  const auto bytes = read_file(folder / "stderr");
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
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

TEST_CASE("every kind of PNG becomes 8-bit RGB") {
  const image picture = smooth_picture(5, 7);
  for (const bool interlaced : {false, true})
    CHECK(decoded(png_of(5, 7, PNG_COLOR_TYPE_RGB, 8, picture.pixels, interlaced)).pixels == picture.pixels);
  CHECK(decoded(png_of(1, 2, PNG_COLOR_TYPE_GRAY, 8, {7, 9})).pixels ==
        std::vector<std::uint8_t>{7, 7, 7, 9, 9, 9});
  CHECK(decoded(png_of(1, 2, PNG_COLOR_TYPE_RGBA, 8, {1, 2, 3, 0, 4, 5, 6, 255})).pixels ==
        std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6});
  CHECK(decoded(png_of(1, 1, PNG_COLOR_TYPE_GRAY_ALPHA, 8, {8, 100})).pixels ==
        std::vector<std::uint8_t>{8, 8, 8});
  CHECK(decoded(png_of(1, 1, PNG_COLOR_TYPE_RGB, 16, {255, 255, 128, 128, 0, 0})).pixels ==
        std::vector<std::uint8_t>{255, 128, 0});
  CHECK(decoded(png_of(1, 8, PNG_COLOR_TYPE_GRAY, 1, {0b10110000})).pixels[0] == 255);
  CHECK(decoded(png_of(1, 4, PNG_COLOR_TYPE_PALETTE, 2, {0b00011011}, false,
                       {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {10, 11, 12}}))
            .pixels == std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
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

TEST_CASE("a JPEG or PNG truncated at any byte is rejected with its name, and nothing is printed") {
  const image picture = smooth_picture(24, 24);
  const std::string printed = printed_by([&] {
    for (const std::string& file : {jpeg_of(picture), jpeg_of(picture, {.progressive = true}),
                                    png_of(24, 24, PNG_COLOR_TYPE_RGB, 8, picture.pixels)}) {
      decoded(file);
      for (std::size_t length = 0; length < file.size(); ++length) {
        CAPTURE(length);
        check_refused(std::string_view{file}.substr(0, length));
      }
    }
  });
  CHECK(printed == "");
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
