// A null GPU: it records training steps of full size, but executes nothing. Of each kernel in a replayed step
// it interprets a few blocks and counts what they would cost a GPU. The counts are compared with those in
// the folder counts/, and may only fall.
//   test.cuda.null_gpu [--write] [--times] [case ...]
// With --registers it compares what ptxas makes of the kernels, and records no steps.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cuda/ptx/runtime.hpp"
#include "dino_vit_small.hpp"
#include "gpu/timed_work.hpp"
#include "registers.hpp"
#include "step_counts.hpp"
#include "step_time.hpp"

namespace {

using namespace pretext::tests;
using namespace pretext::tests::null_gpu;

const std::filesystem::path counts_folder{PRETEXT_COUNTS}, registers_file = counts_folder / "registers.txt";

/// What launches of a kernel, or calls of a library, take together.
struct summed_time {
  int launches = 0;
  double seconds = 0, longest = 0;
  std::string_view limit;  ///< of the longest

  void add(const predicted_time& time) {
    ++launches;
    seconds += time.seconds;
    if (time.seconds > longest) longest = time.seconds, limit = time.limit;
  }
};

class counting_observer final : public ptx::step_observer {
 public:
  step_counts counted{.toolkit = CUDART_VERSION};
  std::map<std::string, summed_time> times;

  void kernel_launched(const ptx::kernel& code, const ptx::grid_of_blocks& grid,
                       const std::vector<std::byte>& parameters) override {
    ptx::gpu& device = ptx::gpu::instance();
    ptx::block_counts of_these;
    ptx::kernel_run run{code, grid, parameters, device.memory, device.shared(), &of_these};
    const unsigned some = std::min(grid.blocks, sampled);
    for (unsigned i = 0; i < some; ++i)  // the middle of each part of the grid
      run.run(static_cast<unsigned>((2 * i + 1) * std::uint64_t{grid.blocks} / (2 * some)));
    const std::string name = short_name(ptx::readable(code.name));
    const auto registers = registers_.kernels.find(name);
    if (registers == registers_.kernels.end())
      throw std::runtime_error{name + " is not in " + registers_file.string() +
                               ": test.cuda.null_gpu --registers --write"};
    const unsigned resident = resident_blocks(grid.threads, registers->second[of_h200].registers,
                                              grid.shared_bytes + code.shared_bytes);
    const predicted_time time = kernel_time(grid, resident, some, of_these);
    times[name].add(time);
    counted.add_launch(name, {grid.blocks, some, of_these,
                              h200::warps - resident * ((grid.threads + 31) / 32), time.seconds});
  }
  void other_work(const char* what, const ptx::library_work& size) override {
    const predicted_time time = library_time(what, size);
    times[what].add(time);
    counted.add_library_work(what, time.seconds);
  }

 private:
  static constexpr unsigned sampled = 3;
  const translated_kernels registers_ = read_registers(registers_file);
};

translated_kernels translate_all() {
  translated_kernels all{.toolkit = CUDART_VERSION};
  std::set<std::string_view> modules;
  for (const auto& each : ptx::gpu::instance().programs()) modules.insert(each->text());
  for (const std::string_view module : modules)
    for (std::size_t i = 0; i < architectures.size(); ++i)
      for (const auto& [name, of] : translate(std::string{module}, architectures[i]))
        all.add(short_name(ptx::readable(name)), i, of);
  return all;
}

/// Prints what rose; the exit code.
int report(const char* name, const std::vector<std::string>& higher) {
  for (const std::string& each : higher) std::fprintf(stderr, "%s: %s\n", name, each.c_str());
  return higher.empty() ? 0 : 1;
}

int compare_registers(bool write) {
  const translated_kernels now = translate_all();
  std::printf("%zu kernels on %zu architectures\n", now.kernels.size(), architectures.size());
  if (!write) return report("registers", increases(read_registers(registers_file), now));
  write_registers(registers_file, now);
  return 0;
}

void print_times(const std::map<std::string, summed_time>& times) {
  std::vector<std::pair<std::string, summed_time>> all{times.begin(), times.end()};
  std::ranges::sort(all, std::greater{}, [](const auto& each) { return each.second.seconds; });
  for (const auto& [name, of] : all)
    std::printf("%8.3f ms %4d %-13s %s\n", of.seconds * 1e3, of.launches, std::string{of.limit}.c_str(),
                name.c_str());
}

step_counts count_step(const benchmarks::benchmark_case& c, bool shows_times) {
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
  if (shows_times) print_times(observer.times);
  observer.counted.peak_megabytes = device.memory.take_peak() / 1'000'000;
  return observer.counted;
}

void print(const char* name, const step_counts& step, double seconds) {
  const kernel_counts total = step.total();
  std::printf("%s:", name);
  for (const auto& [what, nodes] : step.nodes)
    std::printf(" %llu %ss,", static_cast<unsigned long long>(nodes), what.c_str());
  std::printf(" %llu MB, predicted %.1f ms;", static_cast<unsigned long long>(step.peak_megabytes),
              step.seconds * 1e3);
  for (std::size_t i = small_launches; i <= conflicts; ++i)
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
  const bool write = std::erase(chosen, "--write") > 0, shows_times = std::erase(chosen, "--times") > 0;
  if (std::erase(chosen, "--registers") > 0) return compare_registers(write);
  int rose = 0;
  for (const auto& c : cases) {
    if (!chosen.empty() && std::ranges::find(chosen, c.name) == chosen.end()) continue;
    const std::filesystem::path file = counts_folder / (std::string{c.name} + ".txt");
    try {
      const auto begin = std::chrono::steady_clock::now();
      const step_counts step = rounded(count_step(c, shows_times));
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      print(c.name, step, took.count());
      if (write) {
        write_counts(file, step);
        continue;
      }
      rose += report(c.name, increases(read_counts(file), step));
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: %s\n", c.name, error.what());
      return 1;
    }
  }
  if (rose > 0) std::fprintf(stderr, "Counts rose; if they must, rewrite them: test.cuda.null_gpu --write\n");
  return rose > 0 ? 1 : 0;
}
