// The functions that nvcc's generated code calls: they register PTX and kernels before main begins, and
// launch kernels.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "runtime.hpp"

using namespace pretext::tests::ptx;

namespace {

struct configuration {
  dim3 grid, block;
  std::size_t shared = 0;
  void* stream = nullptr;
} configured;

cudaError_t launch_kernel(const void* function, dim3 grid, dim3 block, void** parameters, std::size_t shared,
                          cudaStream_t stream) {
  const char* refused = nullptr;
  const cudaError_t error = try_work([&] {
    const auto found = gpu::instance().functions.find(function);
    if (found == gpu::instance().functions.end()) throw fault{"a kernel that was not registered"};
    if (grid.y * grid.z * block.y * block.z != 1) throw fault{"a grid with more than one dimension"};
    refused = gpu::instance().launch(found->second, {grid.x, block.x, shared}, parameters[0], stream);
  });
  return refused ? set_last_error(cudaErrorInvalidConfiguration) : error;
}

/// The PTX in a fat binary: a header of 16 bytes, whose last 8 hold the size of the rest, then entries.
/// Each entry has a header with its kind, the header's size and the size of the code that follows.
std::string_view ptx_in(const void* fat_binary) {
  const auto read_value = [](const char* from, auto as) {
    std::memcpy(&as, from, sizeof as);
    return as;
  };
  const auto* at = static_cast<const char*>(fat_binary);
  const auto* const end = at + 16 + read_value(at + 8, std::uint64_t{});
  for (at += 16; at < end; at += read_value(at + 4, std::uint32_t{}) + read_value(at + 8, std::uint64_t{})) {
    constexpr std::uint16_t ptx = 1;
    if (read_value(at, std::uint16_t{}) != ptx) continue;
    const std::string_view text{at + read_value(at + 4, std::uint32_t{}),
                                read_value(at + 8, std::uint64_t{})};
    if (text.find(".version ") == std::string_view::npos)
      throw fault{"the PTX is compressed: compile with -no-compress"};
    return text.substr(0, text.find('\0'));
  }
  throw fault{"an object file without PTX"};
}

}  // namespace

extern "C" {

void** __cudaRegisterFatBinary(void* wrapper) {
  struct {
    int magic, version;
    const void* data;
    void* more;
  } in_object;
  std::memcpy(&in_object, wrapper, sizeof in_object);
  program* added = nullptr;
  if (!gpu::instance().attempt([&] { added = &gpu::instance().add(std::string{ptx_in(in_object.data)}); }))
    std::_Exit(1);
  return reinterpret_cast<void**>(added);
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
void __cudaRegisterFunction(void** from, const char* host, char*, const char* name, int, uint3*, uint3*,
                            dim3*, dim3*, int*) {
  gpu::instance().functions[host] = {.from = reinterpret_cast<program*>(from), .name = name};
}
unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, std::size_t shared, void* stream) {
  configured = {grid, block, shared, stream};
  return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, std::size_t* shared, void* stream) {
  *grid = configured.grid;
  *block = configured.block;
  *shared = configured.shared;
  std::memcpy(stream, &configured.stream, sizeof(void*));
  return cudaSuccess;
}
cudaError_t __cudaGetKernel(cudaKernel_t* found, const void* function) {
  *found = reinterpret_cast<cudaKernel_t>(const_cast<void*>(function));
  return cudaSuccess;
}
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** parameters,
                               std::size_t shared, cudaStream_t stream) {
  return launch_kernel(kernel, grid, block, parameters, shared, stream);
}
cudaError_t cudaLaunchKernel(const void* function, dim3 grid, dim3 block, void** parameters,
                             std::size_t shared, cudaStream_t stream) {
  return launch_kernel(function, grid, block, parameters, shared, stream);
}
cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute what, int value) {
  if (what != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0)
    return set_last_error(cudaErrorInvalidValue);
  const auto bytes = static_cast<std::size_t>(value);
  if (bytes > gpu::max_shared_memory) return set_last_error(cudaErrorInvalidValue);
  gpu::instance().functions[function].max_shared[gpu::instance().device] = bytes;
  return cudaSuccess;
}

}  // extern "C"
