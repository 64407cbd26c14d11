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

TEST_CASE("gray images are read as three equal channels") {
  const memory_source source{{1, 2, 3, 4, 5, 6}, 1, 3, 1, {4, 2}};
  REQUIRE(source.size() == 2);
  image read;
  source.read(1, read);
  CHECK(read.channels == 3);
  CHECK(read.pixels == std::vector<std::uint8_t>{4, 4, 4, 5, 5, 5, 6, 6, 6});
  CHECK(source.label(1) == 2);
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
        memory_source{std::vector<std::uint8_t>(16), 2, 2, 4};
      },
      "4 channels");
  check_throws<std::invalid_argument>(
      [] {
        memory_source{std::vector<std::uint8_t>(12), 2, 2, 3, {1, 2}};
      },
      "2 labels for 1 images");
  check_throws<std::invalid_argument>([] { memory_source{std::vector<std::uint8_t>(12), 0, 2}; }, "0 x 2");
  image read;
  check_throws<std::invalid_argument>(
      [&] {
        memory_source{std::vector<std::uint8_t>(12), 2, 2}.read(1, read);
      },
      "no image 1 among 1");
}
