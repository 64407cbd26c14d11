// Tests of threads.hpp, engine.hpp and detail/thread_group.hpp.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <pretext/distributed/threads.hpp>

using namespace pretext::distributed;
using namespace std::chrono_literals;
using rank_type = threads::rank_type;

static_assert(Engine<rank_type>);

namespace {

/// What each of the ranks is told when it cannot go on; empty if it could.
template <class Work>
std::vector<std::string> sentences(threads& engine, std::size_t ranks, const Work& work) {
  std::vector<std::string> all(ranks);
  try {
    engine.run([&](rank_type& rank) {
      try {
        work(rank);
      } catch (const lost_rank& lost) {
        all[rank.rank()] = lost.what();
        throw;
      }
    });
  } catch (const std::exception&) {}
  return all;
}

void gather_one(rank_type& rank) {
  const int own = 0;
  std::vector<int> all(rank.ranks());
  rank.all_gather(&own, all.data(), sizeof own);
}

}  // namespace

TEST_CASE("ranks that are threads gather in their order, and send each part to its rank") {
  constexpr std::size_t ranks = 3;
  std::vector<std::vector<int>> gathered(ranks, std::vector<int>(2 * ranks)), received = gathered;
  threads engine{ranks};
  for (int repetition = 0; repetition < 50; ++repetition)
    engine.run([&](rank_type& rank) {
      const int r = static_cast<int>(rank.rank());
      const int own[2]{10 * r, 10 * r + 1};
      rank.all_gather(own, gathered[rank.rank()].data(), sizeof own);
      std::vector<int> parts;
      for (int to = 0; to < static_cast<int>(ranks); ++to) parts.insert(parts.end(), {100 * r + to, -to});
      rank.all_to_all(parts.data(), received[rank.rank()].data(), 2 * sizeof(int));
    });
  for (std::size_t r = 0; r < ranks; ++r) {
    const int to = static_cast<int>(r);
    CHECK(gathered[r] == std::vector<int>{0, 1, 10, 11, 20, 21});
    CHECK(received[r] == std::vector<int>{to, -to, 100 + to, -to, 200 + to, -to});
  }
}

TEST_CASE("a rank that stops with an exception ends the others with a sentence") {
  threads engine{3};
  const auto work = [](rank_type& rank) {
    for (int step = 0; step < 10; ++step) {
      if (rank.rank() == 1 && step == 4) throw std::domain_error{"the disk is full"};
      gather_one(rank);
    }
  };
  CHECK_THROWS_WITH_AS(engine.run(work), "the disk is full", std::domain_error);
  const auto told = sentences(engine, 3, work);
  CHECK(told[0] == "rank 0 cannot go on: rank 1 has stopped: the disk is full");
  CHECK(told[1].empty());
  CHECK(told[2] == "rank 2 cannot go on: rank 1 has stopped: the disk is full");
  engine.run(gather_one);  // ranks can be started again
}

TEST_CASE("a rank that hangs ends the others with a sentence when their patience ends") {
  threads engine{3, 500ms};
  std::latch started{3};
  std::atomic<int> lost = 0;
  const auto told = sentences(engine, 3, [&](rank_type& rank) {
    started.arrive_and_wait();
    if (rank.rank() == 2)
      while (lost < 2) std::this_thread::sleep_for(1ms);
    try {
      gather_one(rank);
    } catch (const lost_rank&) {
      ++lost;
      throw;
    }
  });
  CHECK(told[0].starts_with("rank 0 "));
  CHECK(told[1].starts_with("rank 1 "));
  CHECK((told[0] + told[1]).find(" waited 0.5 s for rank 2, which hangs") != std::string::npos);
  CHECK(told[2].starts_with("rank 2 cannot go on: "));  // it came too late
}

TEST_CASE("a rank that ends before the others ends them with a sentence") {
  threads engine{2};
  const auto told = sentences(engine, 2, [](rank_type& rank) {
    gather_one(rank);
    if (rank.rank() == 0) gather_one(rank);
  });
  CHECK(told[0] == "rank 0 cannot go on: rank 1 has ended; every rank must make the same number of steps");
}

TEST_CASE("ranks that call different collectives are told which") {
  threads engine{2};
  const auto told = sentences(engine, 2, [](rank_type& rank) {
    const char from[16]{};
    char to[16];
    if (rank.rank() == 0)
      rank.all_gather(from, to, 8);
    else
      rank.all_gather(from, to, 4);
  });
  CHECK((told[0] == "rank 0 calls all_gather of 8 bytes, rank 1 all_gather of 4 bytes; every rank must make "
                    "the same calls in the same order" ||
         told[1] == "rank 1 calls all_gather of 4 bytes, rank 0 all_gather of 8 bytes; every rank must make "
                    "the same calls in the same order"));
  CHECK_FALSE(told[0].empty());
  CHECK_FALSE(told[1].empty());
}

TEST_CASE("there is at least one rank") {
  CHECK_THROWS_WITH_AS(threads{0}, "threads: there must be at least one rank", std::invalid_argument);
}
