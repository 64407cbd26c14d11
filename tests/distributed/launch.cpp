// Tests of launch.hpp and patience.hpp.
#include <pretext/distributed/launch.hpp>
#include <pretext/distributed/patience.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>

using namespace pretext::distributed;
using namespace std::chrono_literals;

namespace {

launch found_in(const std::map<std::string, std::string>& environment) {
  return launch_from([&](const char* name) -> const char* {
    const auto variable = environment.find(name);
    return variable == environment.end() ? nullptr : variable->second.c_str();
  });
}

void check(const launch& found, const char* by, std::size_t rank, std::size_t ranks, std::size_t local_rank,
           std::size_t local_ranks) {
  CHECK(found.by == by);
  CHECK(found.rank == rank);
  CHECK(found.ranks == ranks);
  CHECK(found.local_rank == local_rank);
  CHECK(found.local_ranks == local_ranks);
}

}  // namespace

TEST_CASE("a program without a launcher is rank 0 of 1") {
  check(found_in({}), "", 0, 1, 0, 1);
  check(found_in({{"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}}), "", 0, 1, 0, 1);  // a batch script
  CHECK_FALSE(found_in({}).is_by_mpi());
}

TEST_CASE("every launcher says which rank a process is") {
  check(found_in({{"OMPI_COMM_WORLD_RANK", "5"},
                  {"OMPI_COMM_WORLD_SIZE", "8"},
                  {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                  {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"}}),
        "Open MPI's mpirun", 5, 8, 1, 4);
  check(found_in({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"MPI_LOCALRANKID", "1"}, {"MPI_LOCALNRANKS", "2"}}),
        "MPICH's mpiexec", 1, 2, 1, 2);
  check(found_in({{"SLURM_PROCID", "3"},
                  {"SLURM_STEP_NUM_TASKS", "4"},
                  {"SLURM_LOCALID", "1"},
                  {"SLURM_NTASKS_PER_NODE", "2"}}),
        "srun", 3, 4, 1, 2);
  const auto torch =
      found_in({{"RANK", "2"}, {"WORLD_SIZE", "4"}, {"LOCAL_RANK", "0"}, {"LOCAL_WORLD_SIZE", "2"}});
  check(torch, "torchrun", 2, 4, 0, 2);
  CHECK_FALSE(torch.is_by_mpi());
}

TEST_CASE("mpirun within a SLURM job counts, and not the job") {
  const auto found = found_in({{"SLURM_PROCID", "0"},
                               {"SLURM_STEP_NUM_TASKS", "2"},
                               {"OMPI_COMM_WORLD_RANK", "6"},
                               {"OMPI_COMM_WORLD_SIZE", "8"}});
  check(found, "Open MPI's mpirun", 6, 8, 0, 1);
  CHECK(found.is_by_mpi());
}

TEST_CASE("a variable that is no rank is named") {
  CHECK_THROWS_WITH_AS(found_in({{"RANK", "one"}, {"WORLD_SIZE", "2"}}),
                       "the environment variable RANK is \"one\", and a whole number is needed",
                       std::runtime_error);
  CHECK_THROWS_WITH_AS(found_in({{"RANK", "2"}, {"WORLD_SIZE", "2"}}),
                       "the environment variable RANK is 2, which must be below WORLD_SIZE, 2",
                       std::runtime_error);
}

TEST_CASE("a program that nothing connects refuses to be started several times") {
  CHECK_THROWS_WITH_AS(expects_one_rank({.by = "torchrun", .ranks = 4}, "pretrain simclr",
                                        "it was built without MPI; configure with -DPRETEXT_MPI=ON"),
                       "torchrun has started pretrain simclr 4 times, but it was built without MPI; "
                       "configure with -DPRETEXT_MPI=ON",
                       std::runtime_error);
  expects_one_rank({.by = "srun", .ranks = 1}, "pretrain simclr", "it was built without MPI");
}

TEST_CASE("the launcher of another MPI is named") {
  CHECK_THROWS_WITH_AS(expects_mpi_of({.by = "Open MPI's mpirun", .ranks = 4}, 1, "MPICH Version: 4.0.2"),
                       "this program was started 4 times by Open MPI's mpirun, but is built with MPICH "
                       "Version: 4.0.2, which that does not connect: every copy would be rank 0 of 1; use "
                       "the mpirun of this MPI",
                       std::runtime_error);
  CHECK_THROWS_WITH_AS(expects_mpi_of({.by = "srun", .ranks = 2}, 1, "Open MPI v4.1.4"),
                       "this program was started 2 times by srun, but is built with Open MPI v4.1.4, which "
                       "that does not connect: every copy would be rank 0 of 1; try srun --mpi=pmix, or the "
                       "mpirun of this MPI",
                       std::runtime_error);
  expects_mpi_of({.by = "srun", .ranks = 2}, 2, "Open MPI v4.1.4");
}

TEST_CASE("ranks that torchrun has started meet at the port after its own") {
  const auto meet = [](const std::map<std::string, std::string>& environment) {
    return meeting_point_from([&](const char* name) -> const char* {
      const auto variable = environment.find(name);
      return variable == environment.end() ? nullptr : variable->second.c_str();
    });
  };
  CHECK(meet({{"MASTER_ADDR", "10.0.0.1"}, {"MASTER_PORT", "29500"}}) == "10.0.0.1:29501");
  CHECK(meet({{"MASTER_ADDR", "node-7"}, {"MASTER_PORT", "1"}}) == "node-7:2");
  CHECK(meet({{"MASTER_ADDR", "fe80::1"}, {"MASTER_PORT", "29500"}}) == "[fe80::1]:29501");
  CHECK_THROWS_WITH_AS(meet({{"MASTER_PORT", "29500"}}),
                       "RANK and WORLD_SIZE are set, but not MASTER_ADDR: start the program with torchrun "
                       "--no-python, or set MASTER_ADDR and MASTER_PORT, too",
                       std::runtime_error);
  for (const char* port : {"0", "65535", "http", "-1"})
    CHECK_THROWS_WITH_AS(meet({{"MASTER_ADDR", "a"}, {"MASTER_PORT", port}}),
                         (std::string{"the environment variable MASTER_PORT is \""} + port +
                          "\", and a number from 1 to 65534 is needed: the ranks use the port after it")
                             .c_str(),
                         std::runtime_error);
}

TEST_CASE("a rank has the GPU of its index on the host, or the only one that it sees") {
  CHECK(gpu_of({.ranks = 8, .local_rank = 3, .local_ranks = 4}, 4) == 3);
  CHECK(gpu_of({.ranks = 8, .local_rank = 3, .local_ranks = 4}, 1) == 0);
  CHECK(gpu_of({}, 8) == 0);
  CHECK_THROWS_WITH_AS(gpu_of({.rank = 6, .ranks = 8, .local_rank = 2, .local_ranks = 4}, 2),
                       "rank 6 is the 3. of its host, which has 2 GPUs; start one rank per GPU",
                       std::runtime_error);
}

TEST_CASE("ranks that cannot hold equally many shards are told which numbers can") {
  CHECK_THROWS_WITH_AS(expects_holders(8, 3), "8 shards can be held by 1, 2, 4 or 8 ranks, not by 3",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(expects_holders(5, 2), "5 shards can be held by 1 or 5 ranks, not by 2",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(expects_holders(1, 4), "1 shard can be held by 1 rank, not by 4",
                       std::invalid_argument);
  for (const std::size_t ranks : {1u, 2u, 3u, 4u, 6u, 12u}) expects_holders(12, ranks);
}

TEST_CASE("patience is twenty times the longest step, and half an hour more for work of unknown length") {
  patience some{10s};
  CHECK(some.of_step() == 10s);
  CHECK(some.of_unknown_work() == 30min + 10s);
  some.report(400ms);
  CHECK(some.of_step() == 10s);
  some.report(2s);
  some.report(1s);
  CHECK(some.of_step() == 40s);
  CHECK(some.of_unknown_work() == 30min + 40s);
  CHECK(patience{}.of_step() == 1min);
}
