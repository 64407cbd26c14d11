#include "gpu.hpp"

#include <cstdio>
#include <cstdlib>

namespace pretext::tests::ptx {

gpu& gpu::only() {
  static gpu one;
  return one;
}

gpu::~gpu() {
  std::size_t own = 0;  // variables of modules
  for (const auto& each : programs_) own += each->variables();
  const std::size_t left = memory.allocations() - own;
  if (left > 0) std::fprintf(stderr, "%zu allocations of device memory were not released\n", left);
  if (left > 0 || !failed_.empty()) std::_Exit(1);
}

void gpu::finish_all() {
  unnamed_.finish();
  for (queue& each : streams_) each.finish();
}

bool gpu::breaks_recording() {
  bool any = false;
  for (queue& each : streams_) {
    any = any || each.recording();
    each.break_recording();
  }
  return any;
}

const char* gpu::launch(const function& what, const grid_of_blocks& grid, const void* parameters,
                        void* native) {
  if (grid.blocks == 0 || grid.threads == 0 || grid.threads > 1024) return "a grid that no GPU has";
  if (grid.shared_bytes > what.most_shared) return "more shared memory than was asked for";
  const kernel& code = what.from->find(what.name);
  const auto* const first = static_cast<const std::byte*>(parameters);
  stream(native).add([this, &code, grid, copy = std::vector<std::byte>(first, first + code.parameter_bytes)] {
    run_kernel(code, grid, copy, memory, shared_);
  });
  return nullptr;
}

bool gpu::is_pinned(const void* memory_of_host, std::size_t bytes) const {
  const auto* const first = static_cast<const std::byte*>(memory_of_host);
  auto found = pinned.upper_bound(first);
  if (found == pinned.begin()) return false;
  --found;
  return first + bytes <= found->first + found->second;
}

bool gpu::attempt(const work& what) {
  if (!failed_.empty()) return false;
  try {
    what();
    return true;
  } catch (const fault& wrong) {
    failed_ = wrong.what();
    std::fprintf(stderr, "%s\n", wrong.what());
    return false;
  }
}

}  // namespace pretext::tests::ptx
