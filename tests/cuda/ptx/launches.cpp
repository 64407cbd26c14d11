// What nvcc's own code calls: PTX and kernels are made known before main begins, and kernels are started.
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

cudaError_t launched(const void* function, dim3 grid, dim3 block, void** parameters, std::size_t shared,
                     cudaStream_t stream) {
  const char* refused = nullptr;
  const cudaError_t error = attempted([&] {
    const auto found = gpu::only().functions.find(function);
    if (found == gpu::only().functions.end()) throw fault{"a kernel that nobody registered"};
    if (grid.y * grid.z * block.y * block.z != 1) throw fault{"a grid of more than one dimension"};
    refused = gpu::only().launch(found->second, {grid.x, block.x, shared}, parameters[0], stream);
  });
  return refused ? said(cudaErrorInvalidConfiguration) : error;
}

/// The PTX in what nvcc puts into an object: a head of 16 bytes, whose last 8 say how many follow, then code
/// of several kinds, each behind a head that says which, how long it is itself, and how long the code.
std::string_view ptx_in(const void* fat_binary) {
  const auto number = [](const char* from, auto as) {
    std::memcpy(&as, from, sizeof as);
    return as;
  };
  const auto* at = static_cast<const char*>(fat_binary);
  const auto* const end = at + 16 + number(at + 8, std::uint64_t{});
  for (at += 16; at < end; at += number(at + 4, std::uint32_t{}) + number(at + 8, std::uint64_t{})) {
    constexpr std::uint16_t ptx = 1;
    if (number(at, std::uint16_t{}) != ptx) continue;
    const std::string_view text{at + number(at + 4, std::uint32_t{}), number(at + 8, std::uint64_t{})};
    if (text.find(".version ") == std::string_view::npos)
      throw fault{"the PTX is compressed: -no-compress leaves it"};
    return text.substr(0, text.find('\0'));
  }
  throw fault{"an object without PTX"};
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
  program* made = nullptr;
  if (!gpu::only().attempt([&] { made = &gpu::only().add(std::string{ptx_in(in_object.data)}); }))
    std::_Exit(1);
  return reinterpret_cast<void**>(made);
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
void __cudaRegisterFunction(void** from, const char* host, char*, const char* name, int, uint3*, uint3*,
                            dim3*, dim3*, int*) {
  gpu::only().functions[host] = {.from = reinterpret_cast<program*>(from), .name = name};
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
  return launched(kernel, grid, block, parameters, shared, stream);
}
cudaError_t cudaLaunchKernel(const void* function, dim3 grid, dim3 block, void** parameters,
                             std::size_t shared, cudaStream_t stream) {
  return launched(function, grid, block, parameters, shared, stream);
}
cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute what, int value) {
  if (what != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0) return said(cudaErrorInvalidValue);
  const auto bytes = static_cast<std::size_t>(value);
  if (bytes > gpu::most_shared_memory) return said(cudaErrorInvalidValue);
  gpu::only().functions[function].most_shared = bytes;
  return cudaSuccess;
}

}  // extern "C"
