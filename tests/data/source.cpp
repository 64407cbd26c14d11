#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/data/memory_source.hpp>
#include <pretext/data/source.hpp>

#include "support/temporary_folder.hpp"

using namespace pretext;

namespace {

/// Four 1 x 2 RGB images with ascending values.
memory_source counting_images() {
  std::vector<std::uint8_t> pixels(4 * 6);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i);
  return {pixels, 1, 2, 3, {0, 1, 1, 0}, {"even", "odd"}};
}

}  // namespace

TEST_CASE("any_source gives the results of the source itself") {
  const memory_source own = counting_images();
  const any_source any = own;
  REQUIRE(any.size() == 4);
  CHECK(any.class_names() == std::vector<std::string>{"even", "odd"});
  image a, b;
  for (std::size_t i = 0; i < 4; ++i) {
    own.read(i, a);
    any.read(i, b);
    CHECK(a.pixels == b.pixels);
    CHECK(any.label(i) == own.label(i));
    CHECK(any.name(i) == own.name(i));
  }
  CHECK(b.pixels == std::vector<std::uint8_t>{18, 19, 20, 21, 22, 23});
  CHECK(b.height == 1);
  CHECK(b.width == 2);
  CHECK(b.channels == 3);
  check_throws<std::out_of_range>([&] { any.read(4, a); }, "no image 4 among 4");
  CHECK(any_source{}.size() == 0);
  CHECK(any_source{}.class_names().empty());
}

TEST_CASE("a subset selects images, labels and names by its indices") {
  const subset part{any_source{counting_images()}, {2, 0, 2}};
  REQUIRE(part.size() == 3);
  CHECK(part.label(0) == 1);
  CHECK(part.label(1) == 0);
  CHECK(part.name(2) == "index 2 of the images in memory");
  image read;
  part.read(0, read);
  CHECK(read.pixels[0] == 12);
  check_throws<std::out_of_range>([] { subset{counting_images(), {0, 4}}; }, "image 4", "source of 4");
}
