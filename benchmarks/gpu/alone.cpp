// Our side of the GPU benchmark where there is no Python with torch: one JSON line per case.
//   gpu.alone [case]
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "timed_work.hpp"

namespace {

void time(const benchmarks::offered_work& offered) {
  const auto work = offered.make(offered.batch);
  benchmarks::milliseconds_of(*work, 20);
  const double once = benchmarks::milliseconds_of(*work, 20);
  const int times = std::clamp(static_cast<int>(100 / once) / 20 * 20, 20, 1000);
  std::vector<double> taken;
  for (int round = 0; round < 9; ++round) taken.push_back(benchmarks::milliseconds_of(*work, times));
  std::sort(taken.begin(), taken.end());
  std::printf(
      "{\"side\": \"pretext\", \"case\": \"%s\", \"batch\": %zu, \"ms\": %.5f, \"ms_q1\": %.5f, \"ms_q3\": "
      "%.5f}\n",
      offered.name, offered.batch, taken[4], taken[2], taken[6]);
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** words) {
  if (const std::string reason = pretext::cuda::unavailable_reason(); !reason.empty()) {
    std::printf("skipped: no GPU (%s)\n", reason.c_str());
    return 77;
  }
  int status = 0;
  for (const auto& offered : benchmarks::all_work()) {
    if (count > 1 && offered.name != std::string{words[1]}) continue;
    try {
      time(offered);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: %s\n", offered.name, error.what());
      status = 1;
    }
  }
  return status;
}
