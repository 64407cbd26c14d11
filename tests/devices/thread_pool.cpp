#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

#include <pretext/devices/cpu.hpp>

using namespace pretext;

TEST_CASE("every block is computed exactly once, call after call") {
  for (std::size_t threads : {1, 2, 3, 5}) {
    const cpu::stream stream{threads};
    CHECK(stream.threads() == threads);
    std::vector<int> done(257);
    for (int call = 0; call < 300; ++call)
      stream.for_each_block(done.size(), [&](std::size_t block) { ++done[block]; });
    for (int times : done) REQUIRE(times == 300);
  }
}

TEST_CASE("runs cover a range without gaps, whatever its length") {
  const cpu::stream stream{3};
  for (std::size_t count : {0, 1, 7, 64, 65}) {
    std::vector<int> seen(count);
    stream.for_each_run(count, 8, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) ++seen[i];
    });
    for (int times : seen) CHECK(times == 1);
  }
}

TEST_CASE("an exception in a block reaches the caller, and the pool works on") {
  const cpu::stream stream{3};
  CHECK_THROWS_AS(stream.for_each_block(50,
                                        [](std::size_t block) {
                                          if (block == 20) throw std::runtime_error{"no"};
                                        }),
                  std::runtime_error);
  std::atomic<int> done = 0;
  stream.for_each_block(50, [&](std::size_t) { ++done; });
  CHECK(done == 50);
}
