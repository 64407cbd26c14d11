#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include <pretext/edge/mat.hpp>

using namespace pretext;

namespace {

/// The members of cv::Mat that describe an image; `step` is an object that converts to bytes, as there.
struct mat {
  struct step_type {
    std::size_t bytes = 0;
    operator std::size_t() const { return bytes; }
  };
  unsigned char* data = nullptr;
  int rows = 0, cols = 0;
  step_type step;
  int channel_count = 1, depth_code = 0;
  int channels() const { return channel_count; }
  int depth() const { return depth_code; }
};

std::vector<std::uint8_t> copied(const image_view& picture) {
  std::vector<std::uint8_t> bytes(picture.bytes());
  copy_samples(picture, bytes.data());
  return bytes;
}

}  // namespace

TEST_CASE("BGR with padded rows is an RGB image in place") {
  // 2 x 2 pixels and two bytes of padding per row
  std::vector<std::uint8_t> memory{3, 2, 1, 6, 5, 4, 99, 99, 9, 8, 7, 12, 11, 10, 99, 99};
  const mat frame{memory.data(), 2, 2, {8}, 3, 0};
  CHECK(copied(image_view_of(frame)) == std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  CHECK(copied(image_view_of(frame, channel_order::red_first)) ==
        std::vector<std::uint8_t>{3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10});
}

TEST_CASE("an alpha channel is left out, and gray stays gray") {
  std::vector<std::uint8_t> memory{3, 2, 1, 255, 6, 5, 4, 255};
  CHECK(copied(image_view_of(mat{memory.data(), 1, 2, {8}, 4, 0})) ==
        std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6});
  const image_view gray = image_view_of(mat{memory.data(), 2, 4, {4}, 1, 0});
  CHECK(gray.channels == 1);
  CHECK(copied(gray) == memory);
}

TEST_CASE("samples of 16 bits and floats keep their type; others and empty matrices are errors") {
  std::vector<float> memory(6);
  auto* const bytes = reinterpret_cast<unsigned char*>(memory.data());
  CHECK(image_view_of(mat{bytes, 1, 2, {24}, 3, 5}).type == sample_type::float32);
  CHECK(image_view_of(mat{bytes, 1, 2, {12}, 3, 2}).type == sample_type::uint16);
  CHECK_THROWS_WITH_AS(image_view_of(mat{bytes, 1, 2, {24}, 1, 6}),
                       doctest::Contains("samples of depth 6 are not supported; convert them to CV_8U"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(image_view_of(mat{}), doctest::Contains("the matrix is empty"), std::invalid_argument);
}
