#pragma once
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pretext/devices/cpu.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/distributed/engine.hpp>
#include <pretext/distributed/launch.hpp>
#include <pretext/distributed/likeness.hpp>

#include "recipe.hpp"

namespace programs {

class program_options;

/// An Engine that is chosen at run time: that of the launcher, or of one rank alone.
class rank_engine {
 public:
  virtual ~rank_engine() = default;
  virtual std::size_t rank() const = 0;
  virtual std::size_t ranks() const = 0;
  virtual std::chrono::milliseconds patience() const = 0;
  virtual void set_patience(std::chrono::milliseconds patience, std::string_view doing) = 0;
  virtual std::string host() const = 0;
  virtual void all_gather(const void* own, void* all, std::size_t bytes) = 0;
  virtual void all_to_all(const void* parts, void* received, std::size_t bytes) = 0;
  /// Ends all ranks.
  [[noreturn]] virtual void abort(int status) = 0;

  bool is_first() const { return rank() == 0; }
};
static_assert(pretext::distributed::Engine<rank_engine>);

/// The shards of a batch that this rank holds, each of which is computed in a thread.
class rank_shards {
 public:
  /// `own` connects the contexts of the shards, `host` what the host decides.
  using work = std::function<void(pretext::distributed::any_communicator& own,
                                  pretext::distributed::communicator<pretext::cpu>& host)>;
  virtual ~rank_shards() = default;
  /// The shards of a batch, how many of them this rank holds, and the first of those.
  virtual std::size_t size() const = 0;
  virtual std::size_t local() const = 0;
  virtual std::size_t first() const = 0;
  virtual void run(const work& each) = 0;
};

/// The shards of a rank that computes on CPUs.
std::unique_ptr<rank_shards> make_cpu_shards(rank_engine& ranks, std::size_t count);

/// What ranks with a GPU each need (ranks/nccl.cu); null in a program that was built without it.
struct gpu_ranks {
  /// An engine of the ranks that torchrun has started. Chooses the GPU of this rank.
  std::unique_ptr<rank_engine> (*connect)(const pretext::distributed::launch&) = nullptr;
  /// Chooses the GPU of this rank, and returns what must be alike on all ranks.
  std::vector<pretext::distributed::trait> (*choose)(const pretext::distributed::launch&) = nullptr;
  /// A collective.
  std::unique_ptr<rank_shards> (*make_shards)(rank_engine& ranks, const pretext::distributed::launch&,
                                              std::size_t count) = nullptr;
};
gpu_ranks& on_gpus();
/// Throws std::runtime_error unless the program can train on several GPUs.
void expects_nccl(std::size_t shards);
struct gpu_entry {
  explicit gpu_entry(const gpu_ranks& made) { on_gpus() = made; }
};

/// Makes the engine of MPI (ranks/mpi.cpp); null in a program that was built without it.
using mpi_maker = std::unique_ptr<rank_engine> (*)(const pretext::distributed::launch&);
mpi_maker& make_mpi_engine();
struct mpi_entry {
  explicit mpi_entry(mpi_maker maker) { make_mpi_engine() = maker; }
};

/// While it exists, a rank that is not the first one prints nothing, so that each message is there once.
class quiet_rank {
 public:
  explicit quiet_rank(bool quiet);
  quiet_rank(const quiet_rank&) = delete;
  quiet_rank& operator=(const quiet_rank&) = delete;
  ~quiet_rank() { speak(); }
  /// Lets it print again.
  void speak();

 private:
  int out_ = -1, error_ = -1;
};

/// The processors that a rank may use: those of the host, or those that the launcher leaves this process,
/// divided among the ranks of the host.
std::size_t processors_of_rank(const pretext::distributed::launch& started);

/// Connects the ranks that the launcher has started, `gpu`: each with a GPU, calls `body` on each and returns
/// its status. An exception is one sentence on stderr and the end of all ranks; with one rank it is the
/// caller's. Throws std::runtime_error if the ranks cannot be connected.
int run_ranks(const std::string& program, const pretext::distributed::launch& started, bool gpu,
              quiet_rank& quiet, const std::function<int(rank_engine&)>& body);

/// What must be alike on the ranks of every program: version, compiler, instruction set, and the recipe but
/// for where the images are.
std::vector<pretext::distributed::trait> traits_of_program(recipe& config);

/// A sentence on an error, with advice where it is an image that cannot be read.
std::string sentence_of_reading(const std::exception& error);

/// Parses the command line; returns the exit status if the program ends with it. If every rank has the same
/// fault, only the first one prints it; a fault that the first rank does not have is printed with the rank.
std::optional<int> parse_on_ranks(program_options& line, int argc, char** argv,
                                  const pretext::distributed::launch& started, quiet_rank& quiet);

/// Calls `open` on all ranks, which returns what must be alike on them. Returns what has failed, or differs,
/// the same sentence on all; empty if nothing has. With one rank exceptions are the caller's.
std::string open_alike(rank_engine& ranks,
                       const std::function<std::vector<pretext::distributed::trait>()>& open);

}  // namespace programs
