#include <doctest/doctest.h>

#include <stdexcept>
#include <vector>

#include <pretext/data/memory_source.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/training/device_dataset.hpp>

using namespace pretext;

namespace {

/// Images of different sizes.
struct growing_images {
  std::vector<std::string> names{};
  std::size_t size() const { return 3; }
  int label(std::size_t) const { return 0; }
  const std::vector<std::string>& class_names() const { return names; }
  std::string name(std::size_t index) const { return "image " + std::to_string(index); }
  void read(std::size_t index, image& out) const {
    const std::size_t side = index < 2 ? 2 : 3;
    out = {side, side, 3, std::vector<std::uint8_t>(3 * side * side)};
  }
};

std::vector<std::uint8_t> counted(std::size_t count) {
  std::vector<std::uint8_t> pixels(count);
  for (std::size_t i = 0; i < count; ++i) pixels[i] = static_cast<std::uint8_t>(i);
  return pixels;
}

}  // namespace

TEST_CASE("a chosen image is the source's, as are its label and the number of classes") {
  const memory_source source{counted(4 * 2 * 3 * 3), 2, 3, 3, {2, 0, 5, 1}};
  const device_dataset<cpu> images{source};
  CHECK(images.size() == 4);
  CHECK(images.classes() == 6);
  const std::vector<std::uint64_t> samples{3, 0};
  const indexed_images batch = images.chosen(samples.data(), samples.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    image expected;
    source.read(samples[i], expected);
    CHECK(batch[i].height == 2);
    CHECK(batch[i].width == 3);
    CHECK(std::vector(batch[i].pixels, batch[i].pixels + 18) == expected.pixels);
    CHECK(images.labels()[samples[i]] == source.label(samples[i]));
  }
}

TEST_CASE("images without labels have no classes") {
  CHECK(device_dataset<cpu>{memory_source{counted(24), 2, 2}}.classes() == 0);
}

TEST_CASE("images of several sizes are refused by name") {
  CHECK_THROWS_WITH_AS(device_dataset<cpu>{growing_images{}},
                       doctest::Contains("image 0 has 2 x 2 x 3 numbers, image 2 has 3 x 3 x 3"),
                       std::invalid_argument);
  CHECK_THROWS_AS(device_dataset<cpu>{any_source{}}, std::invalid_argument);
}
