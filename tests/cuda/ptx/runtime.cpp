// The device, and its memory.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "runtime.hpp"

using namespace pretext::tests::ptx;

namespace {

void expects(objection what, const char* doing) {
  if (what) throw fault{std::string{doing} + " " + what};
}

/// Memory of the host's that must still be there when the copy is made.
void expects_pinned(const void* host, std::size_t bytes) {
  if (!gpu::only().is_pinned(host, bytes)) throw fault{"a copy finds its pinned memory given back"};
}

void copy_to_device(queue& on, void* to, const void* host, std::size_t bytes) {
  const auto write = [to, bytes](const void* from) {
    expects(gpu::only().memory.on_write(address_of(to), bytes), "a copy writes");
    std::memcpy(gpu::only().memory.reach(address_of(to)), from, bytes);
  };
  if (gpu::only().is_pinned(host, bytes)) {
    on.add([=] {
      expects_pinned(host, bytes);
      write(host);
    });
  } else {  // taken before the call returns
    const auto* const first = static_cast<const std::byte*>(host);
    on.add([write, taken = std::vector<std::byte>(first, first + bytes)] { write(taken.data()); });
  }
}

void copy_to_host(queue& on, void* host, const void* from, std::size_t bytes) {
  on.add([=, pinned = gpu::only().is_pinned(host, bytes)] {
    if (pinned) expects_pinned(host, bytes);
    expects(gpu::only().memory.on_read(address_of(from), bytes), "a copy reads");
    std::memcpy(host, gpu::only().memory.reach(address_of(from)), bytes);
  });
}

void fill(queue& on, void* to, int value, std::size_t bytes) {
  on.add([=] {
    expects(gpu::only().memory.on_write(address_of(to), bytes), "clearing writes");
    std::memset(gpu::only().memory.reach(address_of(to)), value, bytes);
  });
}

}  // namespace

extern "C" {

// The device.

cudaError_t cudaGetDeviceCount(int* count) { return *count = 1, cudaSuccess; }
cudaError_t cudaGetDevice(int* device) { return *device = 0, cudaSuccess; }
cudaError_t cudaDriverGetVersion(int* version) { return *version = CUDART_VERSION, cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int* version) { return *version = CUDART_VERSION, cudaSuccess; }
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr what, int) {
  if (what != cudaDevAttrMaxSharedMemoryPerBlockOptin) return said(cudaErrorInvalidValue);
  *value = static_cast<int>(gpu::most_shared_memory);
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() {
  return outside_of_recordings([] { gpu::only().finish_all(); });
}
cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorLaunchFailure ? gpu::only().failed().c_str() : "what the played GPU refuses";
}

// Memory.

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  std::uint64_t address = 0;
  const cudaError_t error = outside_of_recordings([&] { address = gpu::only().memory.allocate(bytes); });
  std::memcpy(memory, &address, sizeof address);
  return error == cudaSuccess && address == 0 ? said(cudaErrorMemoryAllocation) : error;
}
cudaError_t cudaFree(void* memory) {
  if (!memory) return cudaSuccess;
  return outside_of_recordings([&] {
    if (!gpu::only().memory.release(address_of(memory)))
      throw fault{"memory is released that was not allocated"};
  });
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *free = gpu::only().memory.free_bytes();
  *total = device_memory::room;
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  *memory = std::malloc(bytes);
  if (*memory) gpu::only().pinned.emplace(static_cast<std::byte*>(*memory), bytes);
  return *memory ? cudaSuccess : said(cudaErrorMemoryAllocation);
}
cudaError_t cudaFreeHost(void* memory) {
  gpu::only().pinned.erase(static_cast<std::byte*>(memory));
  std::free(memory);
  return cudaSuccess;
}
cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  return outside_of_recordings([&] { fill(gpu::only().stream(nullptr), to, value, bytes); });
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t on) {
  return attempted([&] { fill(gpu::only().stream(on), to, value, bytes); });
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind way,
                            cudaStream_t on) {
  queue& stream = gpu::only().stream(on);
  const void* const host = way == cudaMemcpyHostToDevice ? from : to;
  if (stream.recording() && !gpu::only().is_pinned(host, bytes)) return outside_of_recordings([] {});
  return attempted([&] {
    if (way == cudaMemcpyHostToDevice)
      copy_to_device(stream, to, from, bytes);
    else if (way == cudaMemcpyDeviceToHost)
      copy_to_host(stream, to, from, bytes);
    else
      throw fault{"a copy that is neither from the host nor to it"};
  });
}

}  // extern "C"
