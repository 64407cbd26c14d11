#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <pretext/data/image_cache.hpp>

using namespace pretext;

namespace {

/// Images of 100 gray bytes whose value is the index; the last one is bad.
struct counted_source {
  std::shared_ptr<std::vector<std::atomic<int>>> reads = std::make_shared<std::vector<std::atomic<int>>>(6);
  std::vector<std::string> none{};

  std::size_t size() const { return reads->size(); }
  int label(std::size_t) const { return -1; }
  const std::vector<std::string>& class_names() const { return none; }
  std::string name(std::size_t index) const { return std::to_string(index); }
  void read(std::size_t index, image& out) const {
    ++(*reads)[index];
    if (index + 1 == size()) throw bad_image{"number 5 is damaged"};
    out = {10, 10, 1, std::vector<std::uint8_t>(100, static_cast<std::uint8_t>(index))};
  }
};

}  // namespace

TEST_CASE("images are read once while they fit, and every time without a cache") {
  const counted_source source;
  image_cache cached{source, 1000};
  const auto first = cached.read(2);
  CHECK(first->pixels == std::vector<std::uint8_t>(100, 2));
  CHECK(cached.read(2) == first);
  CHECK((*source.reads)[2] == 1);

  image_cache uncached{source, 0};
  CHECK(uncached.read(3) != uncached.read(3));
  CHECK((*source.reads)[3] == 2);
}

TEST_CASE("an image that does not fit is read again, those before it are not") {
  const counted_source source;
  image_cache cached{source, 300};  // less than two images with their overhead
  for (int i = 0; i < 3; ++i) CHECK(cached.read(0)->pixels[0] == 0);
  for (int i = 0; i < 3; ++i) CHECK(cached.read(1)->pixels[0] == 1);
  CHECK((*source.reads)[0] == 1);
  CHECK((*source.reads)[1] == 3);
}

TEST_CASE("a bad image throws its message at every read, and its file is read once") {
  const counted_source source;
  image_cache cached{source, 1000};
  for (int i = 0; i < 3; ++i) CHECK_THROWS_WITH_AS(cached.read(5), "number 5 is damaged", bad_image);
  CHECK((*source.reads)[5] == 1);
}

TEST_CASE("several threads may read from one cache at once") {
  const counted_source source;
  image_cache cached{source, 10000};
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < 500; ++i)
        if (cached.read(i % 5)->pixels[99] != i % 5) ++wrong;
    });
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}
