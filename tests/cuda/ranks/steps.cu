// Training steps of shards that one rank or several hold.
#include "ranks.hpp"

#include <pretext/cuda.cuh>
#include <pretext/distributed/device_shards.hpp>

#include "support/shard_steps.hpp"

using namespace pretext;
using namespace pretext::tests;

namespace {

using context = on<cuda_gpu, fp32>;

/// Losses and buffers after some steps, which all shards of all ranks have alike.
template <class Method, class Optimizer>
results train_shards(distributed::nccl& engine, std::size_t shards, const Optimizer& optimizer,
                     std::size_t steps, std::size_t at_a_time) {
  distributed::device_shards<cuda_gpu, distributed::nccl> held{engine, shards};
  std::vector<results> all(held.local());
  held.run([&](distributed::communicator<cuda_gpu>& own) {
    all[own.shard() - held.first()] = train_shard<context, Method>(&own, optimizer, steps, at_a_time);
  });
  for (const results& each : all) CHECK(each == all[0]);
  for (const auto& values : all[0]) {
    const auto of_ranks = of_all_ranks(values);
    for (std::size_t i = 0; i < of_ranks.size(); ++i)
      if (of_ranks[i] != values[i % values.size()]) {
        FAIL_CHECK("the ranks differ at " << i);
        break;
      }
  }
  return all[0];
}

template <class Method, class Optimizer>
void ranks_are_one(const Optimizer& optimizer) {
  const std::size_t ranks = all_ranks().ranks();
  for (const std::size_t shards : {ranks, 2 * ranks}) {
    CAPTURE(shards);
    const results expected = train_shards<Method>(all_ranks(), shards, optimizer, 4, 0);
    CHECK(train_shards<Method>(all_ranks(), shards, optimizer, 4, 4) == expected);
    CHECK(train_shards<Method>(this_rank_alone(), shards, optimizer, 4, 4) == expected);
    all_near(expected, train_shard<context, Method>(nullptr, optimizer, 4, 0), 1e-4);
  }
}

}  // namespace

TEST_CASE("shards on GPUs have the same bits on one rank and on all, launched and replayed: SimCLR") {
  ranks_are_one<small_simclr>(sgd{.weight_decay = 1e-4});
}
TEST_CASE("shards on GPUs have the same bits on one rank and on all, launched and replayed: MAE") {
  ranks_are_one<small_mae>(sgd{.weight_decay = 1e-4});
}
TEST_CASE("one shard on a GPU has the bits of a trainer without a communicator") {
  const sgd optimizer{.weight_decay = 1e-4};
  CHECK(train_shards<small_simclr>(this_rank_alone(), 1, optimizer, 4, 4) ==
        train_shard<context, small_simclr>(nullptr, optimizer, 4, 4));
}
