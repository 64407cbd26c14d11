#include "step_time.hpp"

#include <algorithm>
#include <initializer_list>

namespace pretext::tests::null_gpu {
namespace {

predicted_time longest(std::initializer_list<predicted_time> all) {
  predicted_time result = *std::ranges::max_element(all, {}, &predicted_time::seconds);
  result.seconds += h200::seconds_between_nodes;
  return result;
}

/// The part of a library's peak rates that it reaches.
struct efficiency {
  double tensor_cores, memory;
};
efficiency efficiency_of(std::string_view what, const ptx::library_work& work) {
  if (what == "product") return {0.82, 0.9};
  if (what == "GELU-product") return {0.75, 0.9};  // compiled at run time, and not tuned for its shape
  if (what == "convolution") return {work.contracted >= 128 ? 0.6 : 0.45, 0.85};
  if (what == "summing-convolution") return {work.contracted >= 128 ? 0.55 : 0.41, 0.85};  // the same
  if (what == "attention") return {0.3, 0.85};  // of a few hundred tokens
  return {1, 0.9};
}

}  // namespace

unsigned resident_blocks(unsigned threads, unsigned registers, std::size_t shared_bytes) {
  const unsigned warps = (threads + 31) / 32;
  const unsigned of_warp =
      (registers + 7) / 8 * 8 * 32;                      // registers are allocated in units of 256 for a warp
  const std::size_t with_reserve = shared_bytes + 1024;  // of the runtime
  return std::min({h200::most_blocks, h200::warps / warps,
                   registers == 0 ? h200::most_blocks : h200::registers / (of_warp * warps),
                   static_cast<unsigned>(h200::shared_bytes / with_reserve)});
}

predicted_time kernel_time(const ptx::grid_of_blocks& grid, unsigned resident, unsigned counted_blocks,
                           const ptx::block_counts& counted) {
  const auto of_all = [&](std::uint64_t sum) {
    return static_cast<double>(sum) * grid.blocks / counted_blocks;
  };
  const double busy = std::min(grid.blocks, multiprocessors),
               rounds = static_cast<double>((grid.blocks + multiprocessors * resident - 1) /
                                            (multiprocessors * resident));
  constexpr double issue_efficiency = 0.65,  // of a scheduler's cycles, with enough warps
      sectors_per_cycle = 4,                 // of the first cache
      latency_cycles = 4,                    // of an instruction whose result is needed next
      part_of_bandwidth = 0.9;
  return longest(
      {{of_all(counted.distinct_sectors) * 32 / (h200::bytes_per_second * part_of_bandwidth), "memory"},
       {of_all(counted.sectors) / (busy * sectors_per_cycle * h200::clock), "caches"},
       {of_all(counted.issue_slots) / 100 / (busy * h200::schedulers * issue_efficiency * h200::clock),
        "instructions"},
       {of_all(counted.wavefronts) / (busy * h200::clock), "shared memory"},
       {rounds * static_cast<double>(counted.longest_warp) * latency_cycles / h200::clock, "longest warp"}});
}

predicted_time library_time(std::string_view what, const ptx::library_work& work) {
  const efficiency part = efficiency_of(what, work);
  return longest({{work.flops / (h200::tensor_flops_per_second * part.tensor_cores), "tensor cores"},
                  {work.bytes / (h200::bytes_per_second * part.memory), "memory"}});
}

}  // namespace pretext::tests::null_gpu
