#pragma once
#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What ptxas makes of the kernels: registers, stack and spills, in a file that is compared line by line.
namespace pretext::tests::null_gpu {

/// The GPUs that kernels are translated for, from Ampere on.
inline constexpr std::array<std::string_view, 5> architectures{"sm_80", "sm_86", "sm_90a", "sm_100",
                                                               "sm_120"};
inline constexpr std::size_t of_h200 = 2;  ///< index of its architecture

/// Of a kernel on one architecture; spills are bytes that a thread stores and loads.
struct kernel_resources {
  unsigned registers = 0, stack_bytes = 0, spilled_bytes = 0;
};

/// Of all kernels, by short name and architecture. Kernels that share a short name count as one with the
/// most of each.
struct translated_kernels {
  int toolkit = 0;  ///< CUDA's version, as CUDART_VERSION
  std::map<std::string, std::array<kernel_resources, architectures.size()>> kernels{};

  void add(const std::string& kernel, std::size_t architecture, const kernel_resources& of);
};

/// What `ptxas -v` prints, by mangled name.
std::vector<std::pair<std::string, kernel_resources>> parse_ptxas(std::string_view printed);
/// Calls ptxas for a module's text. Throws with what it prints if it fails or warns.
std::vector<std::pair<std::string, kernel_resources>> translate(const std::string& module,
                                                                std::string_view architecture);

translated_kernels read_registers(const std::filesystem::path& file);
void write_registers(const std::filesystem::path& file, const translated_kernels& all);

/// A sentence for each number that is higher than the committed one, or is of a kernel that was not
/// committed.
std::vector<std::string> increases(const translated_kernels& committed, const translated_kernels& now);

}  // namespace pretext::tests::null_gpu
