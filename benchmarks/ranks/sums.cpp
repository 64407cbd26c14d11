// The sum of an array over ranks: the library's ordered sum beside MPI_Allreduce, in pairs that alternate, on
// the ranks that mpirun starts. Rank 0 prints milliseconds and ratios; below 1 the ordered sum is faster. Or
// the time of the small all-gathers of synchronised batch norm.
//   mpirun -n 2 sums [pairs] [floats ...]
//   mpirun -n 2 sums gathers
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <pretext/distributed/mpi.hpp>
#include <pretext/distributed/ordered_sum.hpp>

namespace {

using namespace pretext;

/// Milliseconds of `work` on the slowest rank; all begin together.
template <class Work>
double slowest(const Work& work) {
  MPI_Barrier(MPI_COMM_WORLD);
  const auto start = std::chrono::steady_clock::now();
  work();
  double elapsed =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  MPI_Allreduce(MPI_IN_PLACE, &elapsed, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return elapsed;
}

/// The element at `part` of the sorted values.
double quantile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1) + .5)];
}

int compare(distributed::mpi& engine, std::size_t pairs, std::size_t count) {
  std::vector<float> start(count), ordered(count), reduced(count);
  for (std::size_t i = 0; i < count; ++i)
    start[i] = static_cast<float>(std::sin(static_cast<double>(i * (engine.rank() + 1))));
  distributed::ordered_sum sum{engine.ranks(), engine.ranks(), engine.rank()};
  std::vector<double> ours, theirs, ratios;
  for (std::size_t pair = 0; pair <= pairs; ++pair) {
    double times[2];
    for (std::size_t turn = 0; turn < 2; ++turn) {
      const bool is_ordered = (pair + turn) % 2 == 0;
      std::vector<float>& values = is_ordered ? ordered : reduced;
      values = start;
      float* const array = values.data();
      times[is_ordered ? 0 : 1] = slowest([&] {
        if (is_ordered)
          sum.add_ranks(engine, &array, count);
        else
          MPI_Allreduce(MPI_IN_PLACE, array, static_cast<int>(count), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
      });
    }
    if (pair == 0) continue;  // allocates
    ours.push_back(times[0]);
    theirs.push_back(times[1]);
    ratios.push_back(times[0] / times[1]);
  }
  double difference = 0;
  for (std::size_t i = 0; i < count; ++i)
    difference = std::max(difference, std::abs(double(ordered[i]) - double(reduced[i])));
  if (engine.rank() > 0) return 0;
  if (difference > 1e-5) return std::fprintf(stderr, "the sums differ by %g\n", difference), 1;
  std::printf("| %zu | %.1f million floats | %.1f ms | %.1f ms | %.2f (%.2f to %.2f) |\n", engine.ranks(),
              static_cast<double>(count) / 1e6, quantile(ours, .5), quantile(theirs, .5),
              quantile(ratios, .5), quantile(ratios, .25), quantile(ratios, .75));
  std::fflush(stdout);
  return 0;
}

/// Prints the microseconds of an all-gather of the sums of 64 and of 2048 channels.
int time_gathers(distributed::mpi& engine) {
  constexpr std::size_t rounds = 21, gathers = 106;  // as many as a step of ResNet-50 has
  for (const std::size_t bytes : {std::size_t{16 * 64}, std::size_t{16 * 2048}}) {
    const std::vector<char> own(bytes);
    std::vector<char> all(bytes * engine.ranks());
    std::vector<double> times;
    for (std::size_t round = 0; round < rounds; ++round)
      times.push_back(slowest([&] {
        for (std::size_t i = 0; i < gathers; ++i) engine.all_gather(own.data(), all.data(), bytes);
      }));
    if (engine.rank() == 0)
      std::printf("| %zu | %zu bytes | %.1f us |\n", engine.ranks(), bytes,
                  1e3 * quantile(times, .5) / gathers);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  distributed::mpi engine;
  if (argc > 1 && std::string_view{argv[1]} == "gathers") return time_gathers(engine);
  const std::size_t pairs = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 15;
  std::vector<std::size_t> counts;
  for (int i = 2; i < argc; ++i) counts.push_back(std::strtoull(argv[i], nullptr, 10));
  if (counts.empty()) counts = {11'200'000, 25'600'000};  // parameters of ResNet-18 and of ResNet-50
  for (const std::size_t count : counts)
    if (const int status = compare(engine, pairs, count)) return status;
}
