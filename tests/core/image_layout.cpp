#include <doctest/doctest.h>

#include <cstdint>
#include <numeric>
#include <vector>

#include <pretext/augment/presets.hpp>
#include <pretext/augment/views.hpp>
#include <pretext/core/image_layout.hpp>
#include <pretext/kernels/cpu/augment.hpp>

using namespace pretext;

namespace {

constexpr std::size_t height = 7, width = 9;

/// Samples of an image of three channels, contiguous and different from one another.
template <class T>
std::vector<T> counted() {
  std::vector<T> samples(height * width * 3);
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] =
        static_cast<T>(std::is_same_v<T, float> ? double(i * 7919 % 251) / 251 : double(i * 7919 % 251));
  return samples;
}

std::vector<std::uint8_t> copied(const image_view& picture) {
  std::vector<std::uint8_t> bytes(picture.bytes());
  copy_samples(picture, bytes.data());
  return bytes;
}

/// A random view of an image, which depends on its samples alone.
std::vector<float> view_of_image(const image_view& picture) {
  on<cpu> context;
  std::vector<float> out(6 * 6 * 3);
  const std::uint64_t sample = 5;
  augment(context, simclr_cifar(), std::span{&picture, 1}, std::span{&sample, 1}, 1, 2,
          tensor_view<float, shape<6, 6, 3>>{out.data(), 1});
  return out;
}

/// The same image with other strides has the same bytes and the same views.
void check_same(const image_view& expected, const image_view& other) {
  REQUIRE(!other.is_contiguous());
  CHECK(copied(other) == copied(expected));
  CHECK(view_of_image(other) == view_of_image(expected));
  image storage;
  CHECK(contiguous(other, storage).is_contiguous());
  CHECK(copied(contiguous(other, storage)) == copied(expected));
}

}  // namespace

TEST_CASE_TEMPLATE("rows with padding are read in place", T, std::uint8_t, std::uint16_t, float) {
  const auto samples = counted<T>();
  constexpr std::size_t row = width * 3, padded = row + 5;
  std::vector<T> memory(height * padded, T(99));
  for (std::size_t y = 0; y < height; ++y)
    std::copy_n(samples.begin() + std::ptrdiff_t(y * row), row, memory.begin() + std::ptrdiff_t(y * padded));
  check_same(view_of(samples.data(), height, width, 3),
             with_row_stride(view_of(memory.data(), height, width, 3), padded * sizeof(T)));
}

TEST_CASE_TEMPLATE("BGR is read as RGB", T, std::uint8_t, std::uint16_t, float) {
  const auto samples = counted<T>();
  auto bgr = samples;
  for (std::size_t i = 0; i < bgr.size(); i += 3) std::swap(bgr[i], bgr[i + 2]);
  check_same(view_of(samples.data(), height, width, 3),
             reversed_channels(view_of(bgr.data(), height, width, 3)));
}

TEST_CASE("BGRA is read as RGB, also with padded rows") {
  const auto samples = counted<std::uint8_t>();
  constexpr std::size_t row = width * 4 + 12;
  std::vector<std::uint8_t> memory(height * row, 77);
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t c = 0; c < 3; ++c) memory[y * row + x * 4 + 2 - c] = samples[(y * width + x) * 3 + c];
  const image_view bgra = with_row_stride(view_of(memory.data(), height, width, 4), row);
  check_same(view_of(samples.data(), height, width, 3), reversed_channels(first_channels(bgra, 3)));
}

TEST_CASE_TEMPLATE("planes, as PyTorch stores images, are read in place", T, std::uint8_t, float) {
  const auto samples = counted<T>();
  std::vector<T> planes(samples.size());
  for (std::size_t i = 0; i < height * width; ++i)
    for (std::size_t c = 0; c < 3; ++c) planes[c * height * width + i] = samples[i * 3 + c];
  check_same(view_of(samples.data(), height, width, 3), view_of_planes(planes.data(), height, width, 3));
}

TEST_CASE("rows in reverse order are read in place, and twice reversed is the image") {
  const auto samples = counted<std::uint8_t>();
  constexpr std::size_t row = width * 3;
  std::vector<std::uint8_t> reversed(samples.size());
  for (std::size_t y = 0; y < height; ++y)
    std::copy_n(samples.begin() + std::ptrdiff_t(y * row), row,
                reversed.begin() + std::ptrdiff_t((height - 1 - y) * row));
  const image_view upright = view_of(samples.data(), height, width, 3);
  check_same(upright, reversed_rows(view_of(reversed.data(), height, width, 3)));
  check_same(upright, reversed_rows(reversed_rows(upright)));
}

TEST_CASE("a gray image with strides becomes three equal channels") {
  const auto samples = counted<std::uint8_t>();
  const image_view rgb = view_of(samples.data(), height, width, 3), red = first_channels(rgb, 1);
  image gray;
  CHECK(view_of_image(red) == view_of_image(contiguous(red, gray)));
}

TEST_CASE("planes with padded rows are read in place") {
  const auto samples = counted<std::uint8_t>();
  constexpr std::size_t row = width + 3;
  std::vector<std::uint8_t> planes(3 * height * row, 99);
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t c = 0; c < 3; ++c)
        planes[(c * height + y) * row + x] = samples[(y * width + x) * 3 + c];
  check_same(view_of(samples.data(), height, width, 3),
             with_row_stride(view_of_planes(planes.data(), height, width, 3), row));
}

TEST_CASE("rows that do not fit and channels that do not exist are errors") {
  const auto samples = counted<std::uint8_t>();
  const image_view rgb = view_of(samples.data(), height, width, 3);
  CHECK_THROWS_WITH_AS(with_row_stride(rgb, 26),
                       doctest::Contains("rows of 9 pixels of 3 bytes do not fit into 26"),
                       std::invalid_argument);
  for (const image_view& reversed : {reversed_rows(rgb), reversed_channels(rgb)})
    CHECK_THROWS_WITH_AS(with_row_stride(reversed, 40), doctest::Contains("before their order"),
                         std::invalid_argument);
  CHECK_THROWS_WITH_AS(first_channels(rgb, 4),
                       doctest::Contains("an image of 3 channels does not have the first 4"),
                       std::invalid_argument);
}
