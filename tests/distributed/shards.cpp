// Tests of shards.hpp, communicator.hpp and the engine `alone`.
#include <doctest/doctest.h>

#include "support/allocations.hpp"
#include "support/for_each_shard.hpp"

#include <chrono>
#include <cmath>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace pretext;
using distributed::communicator;

TEST_CASE("a context without a communicator has the whole batch") {
  on<cpu> context;
  float value = 3;
  distributed::all_reduce(context, &value, 1);
  CHECK(value == 3);
  CHECK(distributed::shards_of(context) == 1);
}

TEST_CASE("every shard gathers what all shards have, in their order, whichever rank holds it") {
  constexpr std::size_t shards = 4;
  for (const std::size_t ranks : {1u, 2u, 4u}) {
    std::vector<std::vector<int>> gathered(shards, std::vector<int>(2 * shards));
    tests::for_each_shard(ranks, shards, [&](communicator<cpu>& own) {
      for (int repetition = 0; repetition < 20; ++repetition) {
        const int number = static_cast<int>(own.shard()), two[2]{number, number + 10 * repetition};
        own.all_gather({}, two, gathered[own.shard()].data(), sizeof two);
      }
    });
    for (const auto& all : gathered) CHECK(all == std::vector<int>{0, 190, 1, 191, 2, 192, 3, 193});
  }
}

TEST_CASE("every shard has the same sums, whose bits do not depend on the number of ranks") {
  constexpr std::size_t shards = 6, count = 1000;
  const auto sums = [](std::size_t ranks, auto zero) {
    std::vector<std::vector<decltype(zero)>> all(shards);
    tests::for_each_shard(ranks, shards, [&](communicator<cpu>& own) {
      auto& values = all[own.shard()];
      for (std::size_t i = 0; i < count; ++i)
        values.push_back(
            static_cast<decltype(zero)>(std::sin(double(i * (own.shard() + 1))) / (1. + double(i % 7))));
      own.all_reduce({}, values.data(), count);
      own.all_reduce({}, values.data(), count);
    });
    for (const auto& each : all) CHECK(each == all[0]);
    return all[0];
  };
  for (const std::size_t ranks : {2u, 3u, 6u}) {
    CHECK(sums(ranks, 0.f) == sums(1, 0.f));
    CHECK(sums(ranks, 0.) == sums(1, 0.));
  }
}

TEST_CASE("one rank that is alone holds all shards") {
  distributed::alone one;
  static_assert(distributed::Engine<distributed::alone>);
  distributed::shards held{one, 3};
  CHECK(held.local() == 3);
  std::vector<std::vector<std::size_t>> gathered(3, std::vector<std::size_t>(3));
  std::vector<float> sums(3);
  held.run([&](communicator<cpu>& own) {
    const std::size_t shard = own.shard();
    own.all_gather({}, &shard, gathered[shard].data(), sizeof shard);
    sums[shard] = float(shard + 1);
    own.all_reduce({}, &sums[shard], 1);
  });
  for (const auto& all : gathered) CHECK(all == std::vector<std::size_t>{0, 1, 2});
  CHECK(sums == std::vector<float>{6, 6, 6});
  const int part = 5;
  int received = 0;
  one.all_to_all(&part, &received, sizeof part);
  CHECK(received == 5);
}

TEST_CASE("a shard may change how long the others wait for it") {
  distributed::alone one;
  distributed::shards held{one, 2};
  CHECK_THROWS_AS(held.run([](communicator<cpu>& own) {
    own.set_patience(100, "step 1");
    if (own.shard() == 1) std::this_thread::sleep_for(std::chrono::seconds{1});
    int value = 0, all[2];
    own.all_gather({}, &value, all, sizeof value);
  }),
                  distributed::lost_rank);
}

TEST_CASE("collectives allocate nothing after the first ones") {
  for (const std::size_t ranks : {1u, 2u, 4u}) {
    std::size_t before = 0, after = 1;
    tests::for_each_shard(ranks, 4, [&](communicator<cpu>& own) {
      std::vector<float> values(5000, 1.f), all(4 * values.size());
      const auto step = [&] {
        own.all_reduce({}, values.data(), values.size());
        own.all_gather({}, values.data(), all.data(), values.size() * sizeof(float));
      };
      step();
      step();
      if (own.shard() == 0) before = tests::allocations;
      step();
      step();
      if (own.shard() == 0) after = tests::allocations;
      step();  // no shard ends, and releases its memory, before
    });
    CHECK(after == before);
  }
}

TEST_CASE("a shard that stops ends the shards of all ranks with a sentence") {
  for (const std::size_t ranks : {1u, 2u, 4u}) {
    std::vector<std::string> told(4);
    const auto work = [&](communicator<cpu>& own) {
      try {
        for (int step = 0; step < 5; ++step) {
          if (own.shard() == 3 && step == 2) throw std::domain_error{"no more memory"};
          double value = 1;
          own.all_reduce({}, &value, 1);
        }
      } catch (const distributed::lost_rank& lost) {
        told[own.shard()] = lost.what();
        throw;
      }
    };
    CHECK_THROWS_WITH_AS(tests::for_each_shard(ranks, 4, work), "no more memory", std::domain_error);
    for (std::size_t shard = 0; shard < 3; ++shard)
      CHECK(told[shard].find("has stopped: no more memory") != std::string::npos);
  }
}

TEST_CASE("the number of shards is a multiple of the number of ranks") {
  CHECK_THROWS_WITH_AS(
      tests::for_each_shard(3, 8, [](communicator<cpu>&) {}),
      "shards: 3 ranks cannot hold equally many of 8 shards; choose a number of shards that is a multiple of "
      "the number of ranks",
      std::invalid_argument);
  CHECK_THROWS_AS(tests::for_each_shard(1, 0, [](communicator<cpu>&) {}), std::invalid_argument);
}
