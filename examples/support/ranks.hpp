#pragma once
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <pretext/distributed/engine.hpp>
#include <pretext/distributed/launch.hpp>
#include <pretext/distributed/likeness.hpp>

namespace programs {

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

/// Connects the ranks that the launcher has started, calls `body` on each and returns its status. An
/// exception is one sentence on stderr and the end of all ranks; with one rank it is the caller's. Throws
/// std::runtime_error if the ranks cannot be connected.
int run_ranks(const std::string& program, const pretext::distributed::launch& started, quiet_rank& quiet,
              const std::function<int(rank_engine&)>& body);

/// Calls `open` on all ranks, which returns what must be alike on them. Returns what has failed, or differs,
/// the same sentence on all; empty if nothing has. With one rank exceptions are the caller's.
std::string open_alike(rank_engine& ranks,
                       const std::function<std::vector<pretext::distributed::trait>()>& open);

}  // namespace programs
