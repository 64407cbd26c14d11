#pragma once
#include <string_view>

#include "cuda/ptx/block.hpp"
#include "cuda/ptx/counts.hpp"
#include "step_counts.hpp"

// How long an H200 would take for a step: a model, which no GPU has confirmed. Its sums tell which kernels
// cost most, and whether a change makes a step faster; a single kernel may be wrong by half.
namespace pretext::tests::null_gpu {

/// An H200. Its memory and its tensor cores have the rates that a large copy and a large product in bfloat16
/// reached on one.
namespace h200 {
inline constexpr double clock = 1.755e9, bytes_per_second = 4.3e12, tensor_flops_per_second = 790e12,
                        seconds_between_nodes = 1.2e-6;
inline constexpr unsigned schedulers = 4, warps = 64, registers = 65536, shared_bytes = 228 << 10,
                          most_blocks = 32;
}  // namespace h200

/// How many blocks a multiprocessor can hold at a time. `shared_bytes` includes static shared memory.
unsigned resident_blocks(unsigned threads, unsigned registers, std::size_t shared_bytes);

struct predicted_time {
  double seconds = 0;
  std::string_view
      limit;  ///< what takes longest: "memory", "caches", "instructions", "shared memory", "longest warp"
};

/// A launch of which some blocks were counted, as if the others did the same on average.
predicted_time kernel_time(const ptx::grid_of_blocks& grid, unsigned resident, unsigned counted_blocks,
                           const ptx::block_counts& counted);

/// Work of a library: "product", "GELU-product", "convolution", "summing-convolution", "attention" or
/// "memset".
predicted_time library_time(std::string_view what, const ptx::library_work& work);

}  // namespace pretext::tests::null_gpu
