// A null GPU: it records training steps of full size, but executes nothing. Of each kernel in a replayed step
// it interprets a few blocks and counts what they would cost a GPU. The counts are compared with those in
// the folder counts/, and may only fall.
//   test.cuda.null_gpu [--write] [case ...]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cuda/ptx/runtime.hpp"
#include "dino_vit_small.hpp"
#include "gpu/timed_work.hpp"
#include "step_counts.hpp"

namespace {

using namespace pretext::tests;
using namespace pretext::tests::null_gpu;

class counting_observer final : public ptx::step_observer {
 public:
  step_counts counted{.toolkit = CUDART_VERSION};

  void kernel_launched(const ptx::kernel& code, const ptx::grid_of_blocks& grid,
                       const std::vector<std::byte>& parameters) override {
    ptx::gpu& device = ptx::gpu::instance();
    ptx::block_counts of_these;
    ptx::kernel_run run{code, grid, parameters, device.memory, device.shared(), &of_these};
    const unsigned some = std::min(grid.blocks, sampled);
    for (unsigned i = 0; i < some; ++i)  // the middle of each part of the grid
      run.run(static_cast<unsigned>((2 * i + 1) * std::uint64_t{grid.blocks} / (2 * some)));
    counted.add_launch(short_name(ptx::readable(code.name)), grid.blocks, some, of_these);
  }
  void other_work(const char* what) override { ++counted.nodes[what]; }

 private:
  static constexpr unsigned sampled = 3;
};

step_counts count_step(const benchmarks::benchmark_case& c) {
  ptx::gpu& device = ptx::gpu::instance();
  counting_observer observer;
  device.observer = &observer;
  device.memory.take_peak();
  const auto work = c.make(c.batch);
  for (int step = 0; step < 16 && observer.counted.nodes.empty(); ++step) {
    work->run(1);
    work->finish();
  }
  if (observer.counted.nodes.empty()) throw std::runtime_error{"no step was recorded"};
  observer.counted.peak_megabytes = device.memory.take_peak() / 1'000'000;
  return observer.counted;
}

void print(const char* name, const step_counts& step, double seconds) {
  const kernel_counts total = step.total();
  std::printf("%s:", name);
  for (const auto& [what, nodes] : step.nodes)
    std::printf(" %llu %ss,", static_cast<unsigned long long>(nodes), what.c_str());
  std::printf(" %llu MB;", static_cast<unsigned long long>(step.peak_megabytes));
  for (std::size_t i = small_launches; i < counts; ++i)
    std::printf(" %llu %s,", static_cast<unsigned long long>(total[i]), std::string{count_names[i]}.c_str());
  std::printf(" counted in %.1f s\n", seconds);
}

}  // namespace

int main(int argc, char** argv) {
  static constexpr benchmarks::benchmark_case cases[] = {
      {"simclr-resnet18", 512, benchmarks::simclr_resnet18},
      {"simclr-resnet50", 256, benchmarks::simclr_resnet50},
      {"mae-vit-base", 256, benchmarks::mae_vit_base},
      {"mae-vit-large", 256, benchmarks::mae_vit_large},
      {"dino-vit-small", 64, dino_vit_small},
  };
  setenv("PRETEXT_MOCK_CUDNN", "1", 1);
  ptx::gpu::instance().memory.stop_tracking();
  std::vector<std::string_view> chosen{argv + 1, argv + argc};
  const bool write = std::erase(chosen, "--write") > 0;
  std::size_t rose = 0;
  for (const auto& c : cases) {
    if (!chosen.empty() && std::ranges::find(chosen, c.name) == chosen.end()) continue;
    const std::filesystem::path file = std::filesystem::path{PRETEXT_COUNTS} / (std::string{c.name} + ".txt");
    try {
      const auto begin = std::chrono::steady_clock::now();
      const step_counts step = rounded(count_step(c));
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      print(c.name, step, took.count());
      if (write) {
        write_counts(file, step);
        continue;
      }
      const auto higher = increases(read_counts(file), step);
      for (const std::string& each : higher) std::fprintf(stderr, "%s: %s\n", c.name, each.c_str());
      rose += higher.size();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: %s\n", c.name, error.what());
      return 1;
    }
  }
  if (rose > 0)
    std::fprintf(stderr, "%zu counts rose; if they must, rewrite them: test.cuda.null_gpu --write\n", rose);
  return rose > 0 ? 1 : 0;
}
