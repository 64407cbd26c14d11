#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/data/batch_order.hpp>
#include <pretext/data/block_order.hpp>

using namespace pretext;

namespace {

std::vector<std::size_t> epoch_of(std::size_t samples, block_shape shape, std::uint64_t seed = 1,
                                  std::uint32_t epoch = 0) {
  const block_order order{samples, shape, seed, epoch};
  std::vector<std::size_t> visited;
  for (std::size_t position = 0; position < samples; ++position) visited.push_back(order[position]);
  return visited;
}

}  // namespace

TEST_CASE("an epoch in blocks visits every sample once, whatever the sizes of blocks, windows and the rest") {
  for (const std::size_t samples : {1, 2, 15, 16, 17, 64, 97, 128, 131})
    for (const std::size_t block : {1, 3, 16, 50, 200})
      for (const std::size_t window : {1, 2, 5, 100})
        for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
          CAPTURE(samples);
          CAPTURE(block);
          CAPTURE(window);
          auto visited = epoch_of(samples, {block, window}, 7, epoch);
          std::vector<std::size_t> all(samples);
          std::iota(all.begin(), all.end(), std::size_t{0});
          std::sort(visited.begin(), visited.end());
          CHECK(visited == all);
        }
}

TEST_CASE("within a window of positions no more blocks are visited than the window has") {
  constexpr std::size_t samples = 1003, block = 8, window = 5;
  for (std::uint32_t epoch = 0; epoch < 4; ++epoch) {
    const auto visited = epoch_of(samples, {block, window}, 3, epoch);
    // A block is visited from its first to its last position; count those that are open at a time.
    std::vector<std::size_t> last(samples / block + 1);
    for (std::size_t position = 0; position < samples; ++position) last[visited[position] / block] = position;
    std::set<std::size_t> open;
    std::size_t most = 0;
    for (std::size_t position = 0; position < samples; ++position) {
      open.insert(visited[position] / block);
      most = std::max(most, open.size());
      if (last[visited[position] / block] == position) open.erase(visited[position] / block);
    }
    CHECK(most <= window);
  }
}

TEST_CASE("the order is a function of seed and epoch, and the smaller block has no fixed place") {
  CHECK(epoch_of(100, {8, 3}, 5, 2) == epoch_of(100, {8, 3}, 5, 2));
  CHECK(epoch_of(100, {8, 3}, 5, 2) != epoch_of(100, {8, 3}, 5, 3));
  CHECK(epoch_of(100, {8, 3}, 5, 2) != epoch_of(100, {8, 3}, 6, 2));
  std::set<std::size_t> windows;  // in which the last sample of 100 is visited
  for (std::uint32_t epoch = 0; epoch < 40; ++epoch) {
    const auto visited = epoch_of(100, {8, 3}, 5, epoch);
    windows.insert(static_cast<std::size_t>(std::find(visited.begin(), visited.end(), 99) - visited.begin()) /
                   24);
  }
  CHECK(windows.size() >= 4);
}

TEST_CASE("blocks are mixed: a batch of 32 from windows of 16 blocks has samples of many blocks") {
  const batch_order order{.samples = 4096, .batch = 32, .blocks = {16, 16}};
  std::set<std::size_t> blocks;
  for (std::size_t position = 0; position < 32; ++position) blocks.insert(order.sample(0, position) / 16);
  CHECK(blocks.size() >= 10);
  CHECK(blocks.size() <= 16);
  const batch_order in_order{.samples = 4096, .batch = 32, .shuffle = false, .blocks = {16, 16}};
  CHECK(in_order.sample(0, 31) == 31);
}
