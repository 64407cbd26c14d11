#include "gpu.hpp"

#include <cstdio>
#include <cstdlib>

namespace pretext::tests::ptx {

gpu& gpu::instance() {
  static gpu one;
  return one;
}

int gpu::count_devices() {
  const char* const count = std::getenv("PRETEXT_MOCK_GPUS");
  return count ? std::atoi(count) : 1;
}

gpu::~gpu() {
  std::size_t module_variables = 0;  // variables of modules
  for (const auto& each : programs_) module_variables += each->variables();
  const std::size_t left = memory.allocations() - module_variables;
  if (left > 0) std::fprintf(stderr, "%zu allocations of device memory were not released\n", left);
  if (left > 0 || !failed_.empty()) std::_Exit(1);
}

void gpu::finish_all() {
  unnamed_.finish();
  for (queue& each : streams_) each.finish();
}

bool gpu::invalidate_captures() {
  bool any = false;
  for (queue& each : streams_) {
    any = any || each.capturing();
    each.invalidate_capture();
  }
  return any;
}

const char* gpu::launch(const function& what, const grid_of_blocks& grid, const void* parameters,
                        void* native) {
  if (grid.blocks == 0 || grid.threads == 0 || grid.threads > 1024) return "the grid exceeds a GPU's limits";
  if (native && stream(native).device() != device) return "the stream of another device";
  const auto raised = what.max_shared.find(device);
  if (grid.shared_bytes > (raised == what.max_shared.end() ? default_shared_memory : raised->second))
    return "more shared memory than cudaFuncSetAttribute allowed on this device";
  const kernel& code = what.from->find(what.name);
  const auto* const first = static_cast<const std::byte*>(parameters);
  if (observer && !stream(native).capturing()) return nullptr;
  stream(native).add([this, &code, grid, copy = std::vector<std::byte>(first, first + code.parameter_bytes)] {
    if (observer)
      observer->kernel_launched(code, grid, copy);
    else
      run_kernel(code, grid, copy, memory, shared_);
  });
  return nullptr;
}

void gpu::add_work(void* native, const char* what, const library_work& size, work done) {
  if (!observer) return stream(native).add(std::move(done), size.milliseconds);
  if (stream(native).capturing())
    stream(native).add([this, what, size] { observer->other_work(what, size); });
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
