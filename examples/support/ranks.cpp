#include "ranks.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <pretext/core/version.hpp>
#include <pretext/distributed/shards.hpp>
#include <pretext/io/bad_image.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/training/non_finite_loss.hpp>

#include "command_line.hpp"
#include "exit_status.hpp"

namespace programs {
namespace {

using namespace pretext;

class engine_of_one final : public rank_engine {
 public:
  std::size_t rank() const override { return 0; }
  std::size_t ranks() const override { return 1; }
  std::chrono::milliseconds patience() const override { return distributed::alone::patience(); }
  void set_patience(std::chrono::milliseconds, std::string_view) override {}
  std::string host() const override { return {}; }
  void all_gather(const void* own, void* all, std::size_t bytes) override {
    distributed::alone::all_gather(own, all, bytes);
  }
  void all_to_all(const void* parts, void* received, std::size_t bytes) override {
    distributed::alone::all_to_all(parts, received, bytes);
  }
  [[noreturn]] void abort(int status) override { std::_Exit(status); }
};

class cpu_shards final : public rank_shards {
 public:
  cpu_shards(rank_engine& ranks, std::size_t count) : held_{ranks, count} {}

  std::size_t size() const override { return held_.size(); }
  std::size_t local() const override { return held_.local(); }
  std::size_t first() const override { return held_.first(); }
  void run(const work& each) override {
    held_.run([&](distributed::communicator<cpu>& own) { each(own, own); });
  }

 private:
  distributed::shards<rank_engine> held_;
};

std::unique_ptr<rank_engine> make_engine(const std::string& program, const distributed::launch& started,
                                         bool gpu) {
  if (started.ranks == 1) return std::make_unique<engine_of_one>();
  if (!started.is_by_mpi()) {
    if (!gpu)
      distributed::expects_one_rank(
          started, program,
          "on CPUs ranks are connected by MPI alone: start it with mpirun or srun, train on GPUs with "
          "--device cuda, or unset RANK and WORLD_SIZE to train in one process");
    expects_nccl(started.ranks);
    return on_gpus().connect(started);
  }
  if (!make_mpi_engine())
    distributed::expects_one_rank(started, program,
                                  "it was built without MPI; install one (Debian: libopenmpi-dev), configure "
                                  "with cmake -DPRETEXT_MPI=ON, and build again");
  return make_mpi_engine()(started);
}

void say(const std::string& program, const std::string& sentence) {
  std::fprintf(stderr, "%s: %s\n", program.c_str(), sentence.c_str());
  std::fflush(stderr);
}

/// Says why this rank cannot go on, and ends all. Most errors happen on all ranks alike: the first rank has a
/// second to say them before another one does.
[[noreturn]] void fail(const std::string& program, rank_engine& ranks, quiet_rank& quiet,
                       const std::exception& error) {
  const bool lost = dynamic_cast<const distributed::lost_rank*>(&error);
  if (!lost && !ranks.is_first()) std::this_thread::sleep_for(std::chrono::seconds{1});
  quiet.speak();
  std::string sentence = sentence_of_reading(error);
  if (!lost && !ranks.is_first())
    sentence = str_cat("rank ", ranks.rank(), " (", ranks.host(), "): ", sentence);
  say(program, sentence);
  const int status = lost ? distributed::exit_lost_rank : exit_failed;
  ranks.abort(status);
  end_at_once(status);
}

}  // namespace

void expects_nccl(std::size_t shards) {
  if (!on_gpus().connect)
    throw_error<std::runtime_error>(
        shards,
        " shards on GPUs need NCCL, and this program was built without it; install it (Debian: "
        "libnccl-dev), configure with cmake -DPRETEXT_NCCL=ON, and build again");
}

mpi_maker& make_mpi_engine() {
  static mpi_maker maker = nullptr;
  return maker;
}

quiet_rank::quiet_rank(bool quiet) {
  if (!quiet) return;
  const int null = open("/dev/null", O_WRONLY);
  if (null < 0) return;
  std::fflush(stdout);
  std::fflush(stderr);
  out_ = dup(STDOUT_FILENO);
  error_ = dup(STDERR_FILENO);
  if (out_ >= 0) dup2(null, STDOUT_FILENO);
  if (error_ >= 0) dup2(null, STDERR_FILENO);
  close(null);
}

void quiet_rank::speak() {
  std::fflush(stdout);
  std::fflush(stderr);
  for (const auto& [kept, number] : {std::pair{&out_, STDOUT_FILENO}, std::pair{&error_, STDERR_FILENO}})
    if (*kept >= 0) {
      dup2(*kept, number);
      close(*kept);
      *kept = -1;
    }
}

std::size_t processors_of_rank(const distributed::launch& started) {
  std::size_t processors = std::max(1u, std::thread::hardware_concurrency());
  if (started.ranks == 1) return processors;
  processors = std::max<std::size_t>(1, processors / started.local_ranks);
#if defined(__linux__)
  cpu_set_t allowed;  // mpirun binds each of two ranks to one core
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    const auto count = static_cast<std::size_t>(std::max(1, CPU_COUNT(&allowed)));
    if (count < processors && started.rank == 0)
      std::fprintf(stderr,
                   "the launcher binds a rank to %zu of the %zu processors that it could have: give mpirun "
                   "--bind-to none, or srun --cpus-per-task\n",
                   count, processors);
    processors = std::min(processors, count);
  }
#endif
  return processors;
}

std::unique_ptr<rank_shards> make_cpu_shards(rank_engine& ranks, std::size_t count) {
  return std::make_unique<cpu_shards>(ranks, count);
}

gpu_ranks& on_gpus() {
  static gpu_ranks made;
  return made;
}

int run_ranks(const std::string& program, const distributed::launch& started, bool gpu, quiet_rank& quiet,
              const std::function<int(rank_engine&)>& body) {
  const auto ranks = make_engine(program, started, gpu);
  if (ranks->ranks() == 1) return body(*ranks);
  try {
    return body(*ranks);
  } catch (const non_finite_loss& error) {  // every shard has the same loss
    say(program, sentence_of(error));
    return exit_failed;
  } catch (const std::exception& error) { fail(program, *ranks, quiet, error); }
}

std::string sentence_of_reading(const std::exception& error) {
  return sentence_of(error) +
         (dynamic_cast<const bad_image*>(&error) ? "; --on-bad-image skip goes on without such images" : "");
}

std::optional<int> parse_on_ranks(program_options& line, int argc, char** argv,
                                  const distributed::launch& started, quiet_rank& quiet) {
  auto status = line.parse(argc, argv);
  if (!status || *status == 0 || started.rank == 0) return status;
  std::this_thread::sleep_for(
      std::chrono::seconds{3});  // if the first rank fails, too, mpirun ends all in one
  quiet.speak();
  std::fprintf(stderr, "rank %zu: ", started.rank);
  return line.parse(argc, argv);
}

std::vector<distributed::trait> traits_of_program(recipe& config) {
  constexpr std::array names{"portable", "avx2", "avx512", "avx512_bf16"};
  std::vector<distributed::trait> all{
      {"version", str_cat(version.major, ".", version.minor, ".", version.patch)},
      {"compiler", __VERSION__},
      {"instruction set", names[static_cast<std::size_t>(kernels::best_isa())],
       "set the environment variable PRETEXT_ISA to the lesser one"},
      {"method", config.method}};
  for (const auto& [key, value] : values_of(config))
    if (key != "data") all.push_back({str_cat("value of ", key), value});
  return all;
}

std::string open_alike(rank_engine& ranks, const std::function<std::vector<distributed::trait>()>& open) {
  if (ranks.ranks() == 1) {
    open();
    return {};
  }
  std::vector<distributed::trait> traits;
  std::string own;
  try {
    traits = open();
  } catch (const std::exception& error) { own = sentence_of_reading(error); }
  std::string failure = distributed::failure_of_any(ranks, own, ranks.host());
  if (failure.empty()) try {
      distributed::expects_alike(ranks, traits, ranks.host());
    } catch (const distributed::lost_rank&) { throw; } catch (const std::runtime_error& difference) {
      failure = difference.what();
    }
  return failure;
}

}  // namespace programs
