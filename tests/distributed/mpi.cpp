// Tests of mpi.hpp: CMake starts this program as three ranks.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include <pretext/distributed/mpi.hpp>
#include <pretext/distributed/shards.hpp>

using namespace pretext;
using namespace std::chrono_literals;
using distributed::communicator;

static_assert(distributed::Engine<distributed::mpi>);

namespace {

distributed::mpi& engine() {
  static distributed::mpi ranks{20s};
  return ranks;
}

/// The sums of six shards, which hold different numbers.
template <class E>
std::vector<float> sums(E& ranks) {
  std::vector<float> first;
  distributed::shards held{ranks, 6};
  held.run([&](communicator<cpu>& own) {
    std::vector<float> values(1000);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = float(std::sin(double(i * (own.shard() + 1))) / (1. + double(i % 7)));
    own.all_reduce({}, values.data(), values.size());
    if (own.shard() == held.first()) first = values;
  });
  return first;
}

}  // namespace

TEST_CASE("three processes are three ranks") {
  REQUIRE(engine().ranks() == 3);
  CHECK(engine().rank() < 3);
  CHECK_FALSE(engine().host().empty());
  CHECK_FALSE(engine().implementation().empty());
}

TEST_CASE("ranks that are processes gather in their order, and send each part to its rank") {
  const int rank = static_cast<int>(engine().rank()), own[2]{10 * rank, 10 * rank + 1};
  for (int repetition = 0; repetition < 50; ++repetition) {
    std::vector<int> all(6), received(6);
    engine().all_gather(own, all.data(), sizeof own);
    CHECK(all == std::vector<int>{0, 1, 10, 11, 20, 21});
    std::vector<int> parts;
    for (int to = 0; to < 3; ++to) parts.insert(parts.end(), {100 * rank + to, -to});
    engine().all_to_all(parts.data(), received.data(), 2 * sizeof(int));
    CHECK(received == std::vector<int>{rank, -rank, 100 + rank, -rank, 200 + rank, -rank});
  }
  engine().all_gather(nullptr, nullptr, 0);
}

TEST_CASE("sums over processes have the bits of sums in one process") {
  distributed::alone one;
  CHECK(sums(engine()) == sums(one));
}

TEST_CASE("arrays that are larger than an eager message arrive") {
  const std::size_t count = 1 << 18;
  const std::vector<double> own(count, double(engine().rank()));
  std::vector<double> all(3 * count, -1);
  engine().all_gather(own.data(), all.data(), count * sizeof(double));
  for (std::size_t rank = 0; rank < 3; ++rank) {
    CHECK(all[rank * count] == double(rank));
    CHECK(all[(rank + 1) * count - 1] == double(rank));
  }
}

TEST_CASE("a call of more bytes than MPI counts is refused") {
  CHECK_THROWS_WITH_AS(engine().all_gather(nullptr, nullptr, std::size_t{1} << 31),
                       "mpi: 2147483648 bytes of a rank are more than MPI moves in a call, 2147483647",
                       std::invalid_argument);
}

TEST_CASE("a rank that does not come ends the others with a sentence when their patience ends") {
  static int own = 1, all[3];  // MPI keeps them
  engine().set_patience(300ms, "step 812");
  CHECK(engine().patience() == 300ms);
  if (engine().rank() == 2) {
    std::this_thread::sleep_for(4s);
    engine().set_patience(20s, "");
    engine().all_gather(&own, all, sizeof own);
    return;
  }
  std::string told;
  try {
    engine().all_gather(&own, all, sizeof own);
  } catch (const distributed::lost_rank& lost) { told = lost.what(); }
  engine().set_patience(20s, "");
  CHECK(told == "rank " + std::to_string(engine().rank()) + " (" + engine().host() +
                    ") waited 0.3 s for the other ranks in step 812: one of them has died, hangs or is cut "
                    "off, or needs more patience");
}
