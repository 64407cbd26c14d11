#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/data/permutation.hpp>

using namespace pretext;

namespace {

std::vector<std::size_t> order(std::size_t size, std::uint64_t seed, std::uint32_t epoch) {
  const permutation all{size, seed, epoch};
  std::vector<std::size_t> indices(size);
  for (std::size_t i = 0; i < size; ++i) indices[i] = all[i];
  return indices;
}

}  // namespace

TEST_CASE("every index occurs exactly once, for any size") {
  for (const std::size_t size : {1u, 2u, 3u, 4u, 5u, 7u, 16u, 17u, 255u, 256u, 257u, 1000u, 4097u, 50000u}) {
    CAPTURE(size);
    auto indices = order(size, 1, 0);
    std::sort(indices.begin(), indices.end());
    std::vector<std::size_t> all(size);
    std::iota(all.begin(), all.end(), std::size_t{0});
    CHECK(indices == all);
  }
}

TEST_CASE("the order depends on seed and epoch and on nothing else") {
  CHECK(order(1000, 7, 3) == order(1000, 7, 3));
  CHECK(order(1000, 7, 3) != order(1000, 7, 4));
  CHECK(order(1000, 7, 3) != order(1000, 8, 3));
}

TEST_CASE("over many epochs every index takes every position equally often") {
  constexpr std::size_t size = 12, epochs = 12000;
  std::vector<int> counts(size * size);
  std::vector<int> follows(size * size);
  for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) {
    const auto indices = order(size, 42, epoch);
    for (std::size_t i = 0; i < size; ++i) ++counts[i * size + indices[i]];
    for (std::size_t i = 1; i < size; ++i) ++follows[indices[i - 1] * size + indices[i]];
  }
  double places = 0, pairs = 0;
  for (const int count : counts) places += (count - 1000.0) * (count - 1000.0) / 1000;
  for (std::size_t a = 0; a < size; ++a)
    for (std::size_t b = 0; b < size; ++b)
      if (a != b) pairs += (follows[a * size + b] - 1000.0) * (follows[a * size + b] - 1000.0) / 1000;
  // Chi-squared with 121 degrees of freedom, and with about 131: mean plus five standard deviations.
  CHECK(places < 121 + 5 * 15.6);
  CHECK(pairs < 132 + 5 * 16.3);
}
