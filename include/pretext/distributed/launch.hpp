// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <pretext/core/expects.hpp>
#include <pretext/core/parse_number.hpp>

// Launchers say in the environment which rank a process is. A program reads it before it initialises MPI,
// which takes time and is of no use to a program that was started once.
namespace pretext::inline v0_1::distributed {

/// What a launcher says of this process. Without one it is rank 0 of 1.
struct launch {
  std::string by{};  ///< "Open MPI's mpirun", "MPICH's mpiexec", "srun" or "torchrun"; empty: no launcher
  std::size_t rank = 0, ranks = 1;              ///< among all ranks
  std::size_t local_rank = 0, local_ranks = 1;  ///< among the ranks of this host

  /// Does the launcher connect its processes by MPI?
  bool is_by_mpi() const { return ranks > 1 && by != "torchrun"; }
};

/// Reads the variables of Open MPI, MPICH and Intel MPI, SLURM's srun, and torchrun, the first of these that
/// there are; `get(name)` returns the value of a variable, or null. Throws std::runtime_error that names a
/// variable whose value is no number or does not fit the others.
template <class Get>
launch launch_from(const Get& get) {
  struct variables {
    const char *by, *rank, *ranks, *local_rank, *local_ranks;
  };
  // SLURM_NTASKS is also there in a batch script, outside of srun.
  static constexpr std::array<variables, 4> known{
      {{"Open MPI's mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
        "OMPI_COMM_WORLD_LOCAL_SIZE"},
       {"MPICH's mpiexec", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"},
       {"srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_NTASKS_PER_NODE"},
       {"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"}}};
  const auto number = [&](const char* name, std::size_t otherwise) {
    const char* const text = get(name);
    if (!text) return otherwise;
    const auto value = pretext::detail::parse_number<std::size_t>(text);
    if (!value)
      throw_error<std::runtime_error>("the environment variable ", name, " is \"", text,
                                      "\", and a whole number is needed");
    return *value;
  };
  for (const variables& names : known) {
    if (!get(names.rank) || !get(names.ranks)) continue;
    launch found{names.by, number(names.rank, 0), number(names.ranks, 1), number(names.local_rank, 0),
                 number(names.local_ranks, 1)};
    if (found.rank >= found.ranks)
      throw_error<std::runtime_error>("the environment variable ", names.rank, " is ", found.rank,
                                      ", which must be below ", names.ranks, ", ", found.ranks);
    return found;
  }
  return {};
}
inline launch launch_from_environment() {
  return launch_from([](const char* name) -> const char* { return std::getenv(name); });
}

/// Where ranks meet that torchrun has started, "10.0.0.1:29501": the port after MASTER_PORT, on which
/// torchrun listens itself, of MASTER_ADDR. Throws std::runtime_error that names a variable that is missing
/// or no port.
template <class Get>
std::string meeting_point_from(const Get& get) {
  const auto value = [&](const char* name) {
    const char* const text = get(name);
    if (!text || !*text)
      throw_error<std::runtime_error>("RANK and WORLD_SIZE are set, but not ", name,
                                      ": start the program with torchrun --no-python, or set MASTER_ADDR "
                                      "and MASTER_PORT, too");
    return std::string{text};
  };
  const std::string address = value("MASTER_ADDR"), port = value("MASTER_PORT");
  const auto number = pretext::detail::parse_number<unsigned>(port);
  if (!number || *number == 0 || *number >= 65535)
    throw_error<std::runtime_error>(
        "the environment variable MASTER_PORT is \"", port,
        "\", and a number from 1 to 65534 is needed: the ranks use the port after it");
  const bool is_ip6 = address.find(':') != std::string::npos;
  return str_cat(is_ip6 ? "[" : "", address, is_ip6 ? "]:" : ":", *number + 1);
}
inline std::string meeting_point_from_environment() {
  return meeting_point_from([](const char* name) -> const char* { return std::getenv(name); });
}

/// The GPU of this rank, among those that the process sees: the only one, or that of its index on the host.
/// Throws std::runtime_error if there are too few.
inline std::size_t gpu_of(const launch& started, std::size_t gpus) {
  if (gpus != 1 && started.local_rank >= gpus)
    throw_error<std::runtime_error>("rank ", started.rank, " is the ", started.local_rank + 1,
                                    ". of its host, which has ", gpus, " GPUs; start one rank per GPU");
  return gpus == 1 ? 0 : started.local_rank;
}

/// Throws std::runtime_error that says what to do if a program without MPI was started several times, or by a
/// launcher that connects nothing: every copy would be rank 0 of 1. `program` as in "finetune".
inline void expects_one_rank(const launch& started, std::string_view program, std::string_view why) {
  if (started.ranks > 1)
    throw_error<std::runtime_error>(started.by, " has started ", program, " ", started.ranks, " times, but ",
                                    why);
}

/// Throws std::runtime_error unless MPI knows of as many ranks as the launcher has started: the launcher of
/// one MPI starts programs of another as strangers. `implementation` is what the program is built with.
inline void expects_mpi_of(const launch& started, std::size_t ranks, std::string_view implementation) {
  if (started.ranks == ranks) return;
  throw_error<std::runtime_error>(
      "this program was started ", started.ranks, " times by ", started.by, ", but is built with ",
      implementation, ", which that does not connect: every copy would be rank 0 of ", ranks, "; ",
      started.by == "srun" ? "try srun --mpi=pmix, or the mpirun of this MPI" : "use the mpirun of this MPI");
}

/// Throws std::invalid_argument unless the ranks can hold equally many of the shards of a batch.
inline void expects_holders(std::size_t shards, std::size_t ranks) {
  if (shards % ranks == 0) return;
  std::string numbers;
  for (std::size_t n = 1, next = 0; n != 0; n = std::exchange(next, 0)) {
    for (std::size_t i = n + 1; i <= shards && next == 0; ++i)
      if (shards % i == 0) next = i;
    numbers += str_cat(n == 1 ? "" : next == 0 ? " or " : ", ", n);
  }
  expects(false, shards, shards == 1 ? " shard" : " shards", " can be held by ", numbers,
          shards == 1 ? " rank" : " ranks", ", not by ", ranks);
}

}  // namespace pretext::inline v0_1::distributed
