// pretext's side of the GPU benchmark without Python: one JSON line per case.
//   gpu.standalone [case]
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "timed_work.hpp"

namespace {

void time(const benchmarks::benchmark_case& c) {
  const auto work = c.make(c.batch);
  work->stream().plans().timed = true;  // as PyTorch's cudnn.benchmark
  benchmarks::milliseconds_of(*work, 20);
  const double once = benchmarks::milliseconds_of(*work, 20);
  const int times = std::clamp(static_cast<int>(100 / once) / 20 * 20, 20, 1000);
  std::vector<double> times_ms;
  for (int round = 0; round < 9; ++round) times_ms.push_back(benchmarks::milliseconds_of(*work, times));
  std::sort(times_ms.begin(), times_ms.end());
  std::printf(
      "{\"side\": \"pretext\", \"case\": \"%s\", \"batch\": %zu, \"ms\": %.5f, \"ms_q1\": %.5f, \"ms_q3\": "
      "%.5f}\n",
      c.name, c.batch, times_ms[4], times_ms[2], times_ms[6]);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (const std::string reason = pretext::cuda_gpu::unavailable_reason(); !reason.empty()) {
    std::printf("skipped: no GPU (%s)\n", reason.c_str());
    return 77;
  }
  std::fprintf(stderr, "convolutions: %s\n", benchmarks::convolution_library().c_str());
  int status = 0;
  for (const auto& c : benchmarks::all_cases()) {
    if (argc > 1 && c.name != std::string{argv[1]}) continue;
    try {
      time(c);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: %s\n", c.name, error.what());
      status = 1;
    }
  }
  return status;
}
