#pragma once
#include <chrono>
#include <cstddef>

#include <pretext/distributed/shards.hpp>
#include <pretext/distributed/threads.hpp>

namespace pretext::tests {

/// Calls `work(communicator)` for each of `shards` shards of a batch, which as many ranks hold, threads of
/// this process.
template <class Work>
void for_each_shard(std::size_t ranks, std::size_t shards, const Work& work) {
  distributed::threads engine{ranks};
  engine.run([&](distributed::threads::rank_type& rank) { distributed::shards{rank, shards}.run(work); });
}

}  // namespace pretext::tests
