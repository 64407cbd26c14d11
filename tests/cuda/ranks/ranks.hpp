#pragma once
#include <vector>

#include <pretext/distributed/nccl.hpp>

namespace pretext::tests {

/// The ranks that mpirun has started.
distributed::nccl& all_ranks();
/// One rank, which holds all shards.
distributed::nccl& this_rank_alone();
/// What every rank has, by MPI.
std::vector<double> of_all_ranks(const std::vector<double>& own);

}  // namespace pretext::tests
