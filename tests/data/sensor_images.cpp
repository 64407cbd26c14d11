#include <pretext/data/sensor_images.hpp>

#include "support/temporary_folder.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include <doctest/doctest.h>

using namespace pretext;

namespace {

image read(const sensor_source::options& options, std::size_t index) {
  image picture;
  sensor_source{options}.read(index, picture);
  return picture;
}

}  // namespace

TEST_CASE("a sensor image is a pure function of seed and index, of 16 bits and the asked channels") {
  for (const std::size_t channels : {1, 5}) {
    const sensor_source::options options{.count = 20, .channels = channels, .side = 24};
    const image picture = read(options, 3);
    CHECK(picture.type == sample_type::uint16);
    CHECK(picture.channels == channels);
    CHECK(picture.height == 24);
    CHECK(picture.pixels == read(options, 3).pixels);
    auto later = options;
    later.first = 3;
    CHECK(picture.pixels == read(later, 0).pixels);
    auto other = options;
    other.seed = 2;
    CHECK(picture.pixels != read(other, 3).pixels);
    CHECK(picture.pixels != read(options, 9).pixels);  // of the same class
  }
}

TEST_CASE("six classes alternate, and dark current and exposure differ from image to image") {
  const sensor_source source{{.count = 60}};
  CHECK(source.class_names().size() == 6);
  CHECK(source.label(13) == 1);
  std::set<std::uint16_t> darkest;
  std::uint16_t brightest = 0;
  for (std::size_t i = 0; i < source.size(); ++i) {
    image picture;
    source.read(i, picture);
    const auto [low, high] = std::ranges::minmax(picture.samples<std::uint16_t>());
    darkest.insert(low);
    brightest = std::max(brightest, high);
    CHECK(low > 0);
  }
  CHECK(darkest.size() > 50);
  CHECK(brightest < 15000);  // a fifth of the range of 16 bits
}

TEST_CASE("a side or a number of channels out of range is refused") {
  check_throws<std::invalid_argument>([] { sensor_source{{.side = 7}}; }, "8 to 4096");
  check_throws<std::invalid_argument>([] { sensor_source{{.channels = 0}}; }, "1 to 64 channels");
}
