// Ranks that are processes with a GPU each, started by mpirun: tests of distributed/nccl.hpp. One process is
// one rank. Without a GPU the program prints why and exits with 77, which ctest counts as skipped.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <pretext/distributed/device_shards.hpp>
#include <pretext/distributed/likeness.hpp>
#include <pretext/distributed/mpi.hpp>

#include "ranks.hpp"

using namespace pretext;

static_assert(distributed::Engine<distributed::nccl>);
static_assert(distributed::DeviceEngine<distributed::nccl, cuda_gpu>);

namespace {

distributed::mpi& hosts() {
  static distributed::mpi ranks;
  return ranks;
}

distributed::nccl::identity self() {
  return {.rank = hosts().rank(), .ranks = hosts().ranks(), .device = 0, .host = hosts().host()};
}

}  // namespace

distributed::nccl& pretext::tests::all_ranks() {
  static distributed::nccl engine{distributed::nccl_id_over(hosts()), self(), std::chrono::minutes{5}};
  return engine;
}

distributed::nccl& pretext::tests::this_rank_alone() {
  static distributed::alone one;
  static distributed::nccl engine{distributed::nccl_id_over(one), {.host = hosts().host()}};
  return engine;
}

std::vector<double> pretext::tests::of_all_ranks(const std::vector<double>& own) {
  std::vector<double> all(own.size() * hosts().ranks());
  hosts().all_gather(own.data(), all.data(), own.size() * sizeof(double));
  return all;
}

TEST_CASE("what is on the host travels through the memory of GPUs") {
  auto& engine = tests::all_ranks();
  const std::size_t ranks = engine.ranks(), rank = engine.rank();
  for (int repetition = 0; repetition < 3; ++repetition) {
    const int own[2]{static_cast<int>(10 * rank), 7};
    std::vector<int> all(2 * ranks), parts, received(ranks), expected;
    engine.all_gather(own, all.data(), sizeof own);
    for (std::size_t other = 0; other < ranks; ++other) {
      CHECK(all[2 * other] == static_cast<int>(10 * other));
      CHECK(all[2 * other + 1] == 7);
      parts.push_back(static_cast<int>(100 * rank + other));
      expected.push_back(static_cast<int>(100 * other + rank));
    }
    engine.all_to_all(parts.data(), received.data(), sizeof(int));
    CHECK(received == expected);
  }
  engine.all_gather(nullptr, nullptr, 0);
}

TEST_CASE("ranks on GPUs compare what must be alike") {
  auto& engine = tests::all_ranks();
  const std::vector<distributed::trait> traits{
      {"set of images", std::to_string(engine.rank() == 0 ? 50 : 40) + " images"}};
  if (engine.ranks() == 1) return distributed::expects_alike(engine, traits);
  CHECK_THROWS_WITH_AS(distributed::expects_alike(engine, traits),
                       "rank 1 has another set of images: 40 images where rank 0 has 50 images",
                       std::runtime_error);
}

TEST_CASE("a wait for a stream ends with the patience of the rank, and with an error of NCCL") {
  auto& engine = tests::this_rank_alone();
  const cuda_gpu::stream stream;
  const std::size_t bytes = 1 << 24;
  buffer<std::byte, cuda_gpu> memory{bytes};
  const auto wait_for_work = [&] {
    for (int repetition = 0; repetition < 16; ++repetition) cuda_gpu::clear(stream, memory.data(), bytes);
    std::string told;
    try {
      engine.wait(stream);
    } catch (const distributed::lost_rank& lost) { told = lost.what(); }
    stream.wait();
    return told;
  };
  CHECK(wait_for_work() == "");
  const auto before = engine.patience();
  engine.set_patience(std::chrono::milliseconds{0}, "step 812");
  CHECK(wait_for_work() == "rank 0 (" + engine.host() +
                               ") waited 0 s for the other ranks in step 812: one of them has died, hangs or "
                               "is cut off, or needs more patience");
  engine.set_patience(before, "");
  if (hosts().ranks() == 1) return;  // a real NCCL
  setenv("PRETEXT_MOCK_NCCL", "lost", 1);
  const std::string told = wait_for_work();
  unsetenv("PRETEXT_MOCK_NCCL");
  CHECK(told ==
        "rank 0 (" + engine.host() +
            ") cannot go on: a collective failed: remote process exited or there was a network error");
}

TEST_CASE("ranks that share an address have the same id") {
  const ncclUniqueId own = distributed::nccl_id_at("127.0.0.1:29501");
  std::vector<ncclUniqueId> all(hosts().ranks());
  hosts().all_gather(&own, all.data(), sizeof own);
  for (const ncclUniqueId& each : all) CHECK(std::memcmp(&each, &own, sizeof own) == 0);
  unsetenv("NCCL_COMM_ID");
}

TEST_CASE("two ranks on one GPU are refused with a sentence") {
  if (hosts().ranks() == 1) return;
  setenv("PRETEXT_MOCK_NCCL", "duplicate", 1);  // a real NCCL refuses it by itself
  const auto id = distributed::nccl_id_over(hosts());
  CHECK_THROWS_WITH_AS(
      (distributed::nccl{id, self()}),
      ("two ranks of host " + hosts().host() + " have GPU 0; start one rank per GPU").c_str(),
      std::runtime_error);
  unsetenv("PRETEXT_MOCK_NCCL");
}

int main(int argc, char** argv) {
  if (const std::string reason = cuda_gpu::unavailable_reason(); !reason.empty()) {
    std::printf("skipped: no GPU (%s)\n", reason.c_str());
    return 77;
  }
  hosts();  // before NCCL, after whose end it is finalised
  return doctest::Context{argc, argv}.run();
}
