#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cuda/ptx/counts.hpp"

// What a recorded training step costs, counted by kernel, in files that are compared line by line.
namespace pretext::tests::null_gpu {

/// A GPU with fewer blocks than multiprocessors idles in part; an H100 and an H200 have 132.
inline constexpr unsigned multiprocessors = 132;

/// The counts of one kernel, all its launches together. `longest_warp` and `empty_warps` are maxima.
enum count : std::size_t {
  launches,
  small_launches,  ///< with fewer blocks than multiprocessors
  longest_warp,
  instructions,
  divisions,
  barriers,
  requests,
  sectors,
  wavefronts,
  conflicts,     ///< wavefronts beyond those of the same requests without bank conflicts
  empty_warps,   ///< of 64 that a multiprocessor could hold, those for which blocks leave no room
  microseconds,  ///< predicted, see step_time.hpp
  counts
};
inline constexpr std::array<std::string_view, counts> count_names{
    "launches",        "small launches", "instructions of the longest warp",
    "instructions",    "divisions",      "barriers",
    "memory requests", "sectors",        "wavefronts of shared memory",
    "bank conflicts",  "empty warps",    "predicted microseconds"};
/// Counts that do not depend on the version of nvcc.
constexpr bool is_portable(std::size_t which) {
  return which == launches || which == small_launches || which == barriers;
}

using kernel_counts = std::array<std::uint64_t, counts>;

/// A launch of which some blocks were counted.
struct counted_launch {
  std::uint64_t blocks = 1, counted_blocks = 1;
  ptx::block_counts of_these{};
  unsigned empty_warps = 0;
  double seconds = 0;  ///< predicted
};

/// The counts of a step. Node types are "kernel" and those of `library_time`.
struct step_counts {
  int toolkit = 0;  ///< CUDA's version, as CUDART_VERSION
  std::uint64_t peak_megabytes = 0;
  std::map<std::string, std::uint64_t> nodes{};
  double seconds = 0;  ///< predicted, of all nodes
  std::map<std::string, kernel_counts> kernels{};

  /// Adds a launch of which some blocks were counted, as if the others did the same on average.
  void add_launch(const std::string& kernel, const counted_launch& launch);
  void add_library_work(const std::string& what, double predicted_seconds);
  /// All kernels together.
  kernel_counts total() const;
};

/// The counts as they are written: large ones in thousands.
step_counts rounded(step_counts step);
step_counts read_counts(const std::filesystem::path& file);
void write_counts(const std::filesystem::path& file, const step_counts& step);

/// A sentence for each count that is higher than the committed one, or is of a kernel that was not committed.
std::vector<std::string> increases(const step_counts& committed, const step_counts& now);

/// The kernel of a demangled entry point, without namespaces and deeply nested template arguments.
std::string short_name(std::string_view entry_point);

}  // namespace pretext::tests::null_gpu
