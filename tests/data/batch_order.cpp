#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include <pretext/data/batch_order.hpp>

using namespace pretext;

TEST_CASE("an epoch has full batches, and a smaller one unless the last is dropped") {
  CHECK(batch_order{.samples = 103, .batch = 10}.batches_per_epoch() == 10);
  CHECK(batch_order{.samples = 103, .batch = 10, .drop_last = false}.batches_per_epoch() == 11);
  CHECK(batch_order{.samples = 100, .batch = 10, .drop_last = false}.batches_per_epoch() == 10);
}

TEST_CASE("every sample has one position in an epoch, shuffled or not") {
  for (const bool shuffle : {true, false})
    for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
      const batch_order order{.samples = 57, .batch = 8, .seed = 4, .shuffle = shuffle};
      std::vector<std::size_t> seen, all(57);
      std::iota(all.begin(), all.end(), std::size_t{0});
      for (std::size_t position = 0; position < 57; ++position) seen.push_back(order.sample(epoch, position));
      CHECK((seen == all) == !shuffle);
      std::sort(seen.begin(), seen.end());
      CHECK(seen == all);
    }
}
