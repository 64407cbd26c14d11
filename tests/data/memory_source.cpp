#include <cstdint>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/data/memory_source.hpp>

#include "support/temporary_folder.hpp"

using namespace pretext;

TEST_CASE("pixels without ownership are read in place, and without labels each label is -1") {
  std::vector<std::uint8_t> pixels(2 * 2 * 2 * 3, 7);
  const memory_source source{pixels.data(), {2, 2, 2, 3}};
  pixels[12] = 9;
  image read;
  source.read(1, read);
  CHECK(read.pixels[0] == 9);
  CHECK(read.pixels[1] == 7);
  CHECK(source.label(1) == -1);
  CHECK(source.class_names().empty());
}

TEST_CASE("images in memory are read with their own channels") {
  const memory_source gray{{1, 2, 3, 4, 5, 6}, 1, 3, 1, {4, 2}};
  REQUIRE(gray.size() == 2);
  image read;
  gray.read(1, read);
  CHECK(read.channels == 1);
  CHECK(read.pixels == std::vector<std::uint8_t>{4, 5, 6});
  CHECK(gray.label(1) == 2);

  const memory_source spectral{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 1, 1, 5};
  spectral.read(1, read);
  CHECK(read.channels == 5);
  CHECK(read.pixels == std::vector<std::uint8_t>{6, 7, 8, 9, 10});
}

TEST_CASE("samples of 16 bits and floats are read unchanged, with the range that views map") {
  const std::vector<std::uint16_t> counts{700, 65535, 3, 4};
  const memory_source thermal{counts.data(), {2, 1, 2, 1}, {}, {}, {3, 700}};
  image read;
  thermal.read(0, read);
  CHECK(read.type == sample_type::uint16);
  CHECK(read.range == sample_range{3, 700});
  CHECK(read.samples<std::uint16_t>()[0] == 700);
  CHECK(read.samples<std::uint16_t>()[1] == 65535);

  const memory_source heights{std::vector<float>{-1.5f, 2, 8, 9}, 1, 2, 1};
  heights.read(0, read);
  CHECK(read.type == sample_type::float32);
  CHECK(read.samples<float>()[0] == -1.5f);
  check_throws<std::invalid_argument>([&] { read.samples<std::uint8_t>(); }, "32 bits, not 8");
}

TEST_CASE("owned pixels stay readable after their source was moved or copied") {
  memory_source source{{1, 2, 3}, 1, 1};
  const memory_source copy = source;
  const memory_source moved = std::move(source);
  image read;
  copy.read(0, read);
  CHECK(read.pixels == std::vector<std::uint8_t>{1, 2, 3});
  moved.read(0, read);
  CHECK(read.pixels == std::vector<std::uint8_t>{1, 2, 3});
}

TEST_CASE("extents and labels that do not match are rejected with their values") {
  check_throws<std::invalid_argument>(
      [] {
        memory_source{std::vector<std::uint8_t>(10), 2, 2};
      },
      "10 pixel values", "2 x 2 x 3");
  check_throws<std::invalid_argument>(
      [] {
        memory_source{std::vector<std::uint8_t>(16), 2, 2, 0};
      },
      "2 x 2 x 0");
  check_throws<std::invalid_argument>(
      [] {
        memory_source{std::vector<std::uint8_t>(12), 2, 2, 3, {1, 2}};
      },
      "2 labels for 1 images");
  check_throws<std::invalid_argument>([] { memory_source{std::vector<std::uint8_t>(12), 0, 2}; }, "0 x 2");
  check_throws<std::invalid_argument>(
      [] {
        memory_source{std::vector<float>(3).data(), {1, 1, 3, 0}};
      },
      "of 0 channels");
  image read;
  check_throws<std::invalid_argument>(
      [&] {
        memory_source{std::vector<std::uint8_t>(12), 2, 2}.read(1, read);
      },
      "no image 1 among 1");
}
