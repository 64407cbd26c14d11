#include <pretext/data/image_reservoir.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <set>
#include <stop_token>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "support/allocations.hpp"

using namespace pretext;

namespace {

/// A frame whose samples all have this value.
std::vector<std::uint8_t> frame(std::size_t value, std::size_t bytes = 12) {
  return std::vector<std::uint8_t>(bytes, static_cast<std::uint8_t>(value));
}
void push(image_reservoir& into, std::size_t value) {
  const auto pixels = frame(value);
  into.push(view_of(pixels.data(), 2, 2, 3));
}
/// The numbers of all images that are held.
std::set<std::uint64_t> held(const image_reservoir& from) {
  std::vector<image> images;
  std::vector<std::uint64_t> numbers;
  REQUIRE(from.draw(from.size(), 0, images, numbers));
  return {numbers.begin(), numbers.end()};
}

}  // namespace

TEST_CASE("a full reservoir of the newest images holds the last ones that were pushed") {
  image_reservoir frames{{.capacity = 4, .keep = retention::newest}};
  for (std::size_t i = 0; i < 11; ++i) push(frames, i);
  CHECK(frames.size() == 4);
  CHECK(frames.pushed() == 11);
  CHECK(held(frames) == std::set<std::uint64_t>{7, 8, 9, 10});
}

TEST_CASE("a full reservoir holds a uniform sample: every image of the past with the same probability") {
  constexpr std::size_t runs = 2000, pushed = 20, capacity = 5;
  std::array<std::size_t, pushed> count{};
  for (std::size_t run = 0; run < runs; ++run) {
    image_reservoir frames{{.capacity = capacity, .seed = run}};
    for (std::size_t i = 0; i < pushed; ++i) push(frames, i);
    for (const std::uint64_t number : held(frames)) ++count[number];
  }
  // Binomial with p = 1/4: mean 500, deviation 19.4.
  for (const std::size_t found : count) CHECK((found > 420 && found < 580));
}

TEST_CASE(
    "a batch has different images with their own samples, and depends on the seed and its number alone") {
  image_reservoir frames{{.capacity = 30, .seed = 3}};
  for (std::size_t i = 0; i < 40; ++i) push(frames, i);
  std::vector<image> first, again;
  std::vector<std::uint64_t> numbers, same, other;
  REQUIRE(frames.draw(12, 7, first, numbers));
  REQUIRE(frames.draw(12, 7, again, same));
  CHECK(numbers == same);
  CHECK(std::set<std::uint64_t>(numbers.begin(), numbers.end()).size() == 12);
  for (std::size_t i = 0; i < 12; ++i) CHECK(first[i].pixels == frame(numbers[i]));
  REQUIRE(frames.draw(12, 8, again, other));
  CHECK(numbers != other);
  CHECK_FALSE(frames.draw(31, 0, again, other));
  CHECK(other.size() == 12);
}

TEST_CASE("frames with padded rows and BGR are stored as they look, and replacing them allocates nothing") {
  image_reservoir frames{{.capacity = 2, .keep = retention::newest}};
  std::vector<std::uint8_t> bgr(2 * 10);  // two rows of two pixels, 10 bytes apart
  for (std::size_t i = 0; i < bgr.size(); ++i) bgr[i] = static_cast<std::uint8_t>(i);
  const image_view camera = reversed_channels(with_row_stride(view_of(bgr.data(), 2, 2, 3), 10));
  for (int i = 0; i < 3; ++i) frames.push(camera);
  std::vector<image> images;
  std::vector<std::uint64_t> numbers;
  frames.draw(2, 0, images, numbers);
  CHECK(images[0].pixels == std::vector<std::uint8_t>{2, 1, 0, 5, 4, 3, 12, 11, 10, 15, 14, 13});
  const std::size_t before = tests::allocations;
  for (std::uint32_t i = 0; i < 50; ++i) {
    frames.push(camera);
    frames.draw(2, i, images, numbers);
  }
  CHECK(tests::allocations == before);
  CHECK_THROWS_WITH(frames.push({}), "image_reservoir: an image of 0 x 0 pixels is empty");
  CHECK_THROWS(image_reservoir{{.capacity = 0}});
}

TEST_CASE("one thread pushes while another draws, and every drawn image is a whole one") {
  image_reservoir frames{{.capacity = 8}};
  std::atomic<bool> torn{false};
  std::jthread camera{[&](const std::stop_token& stop) {
    for (std::size_t i = 0; !stop.stop_requested(); ++i) {
      const auto pixels = frame(i, 300);
      frames.push(view_of(pixels.data(), 10, 10, 3));
    }
  }};
  REQUIRE(frames.wait_for(8, {}));
  std::vector<image> images;
  std::vector<std::uint64_t> numbers;
  for (std::uint32_t batch = 0; batch < 300; ++batch) {
    frames.draw(6, batch, images, numbers);
    for (std::size_t i = 0; i < 6; ++i) torn = torn || images[i].pixels != frame(numbers[i], 300);
  }
  CHECK_FALSE(torn);
}

TEST_CASE("waiting for images ends with a stop request") {
  const image_reservoir frames;
  std::stop_source stop;
  std::jthread other{[&] { stop.request_stop(); }};
  CHECK_FALSE(frames.wait_for(1, stop.get_token()));
  CHECK(frames.wait_for(0, stop.get_token()));
}
