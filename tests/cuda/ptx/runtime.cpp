// The device and its memory.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "runtime.hpp"

using namespace pretext::tests::ptx;

namespace {

void expects(access_error what, const char* doing) {
  if (what) throw fault{std::string{doing} + " " + what};
}

/// Pinned host memory must still be allocated when the copy runs.
void expects_pinned(const void* host, std::size_t bytes) {
  if (!gpu::instance().is_pinned(host, bytes)) throw fault{"a copy uses pinned memory that has been freed"};
}

void copy_to_device(queue& on, void* to, const void* host, std::size_t bytes) {
  const auto write = [to, bytes](const void* from) {
    expects(gpu::instance().memory.on_write(address_of(to), bytes), "a copy writes");
    std::memcpy(gpu::instance().memory.host_pointer(address_of(to)), from, bytes);
  };
  if (gpu::instance().is_pinned(host, bytes)) {
    on.add([=] {
      expects_pinned(host, bytes);
      write(host);
    });
  } else {  // copied before the call returns
    const auto* const first = static_cast<const std::byte*>(host);
    on.add([write, copied = std::vector<std::byte>(first, first + bytes)] { write(copied.data()); });
  }
}

void copy_to_host(queue& on, void* host, const void* from, std::size_t bytes) {
  on.add([=, pinned = gpu::instance().is_pinned(host, bytes)] {
    if (pinned) expects_pinned(host, bytes);
    expects(gpu::instance().memory.on_read(address_of(from), bytes), "a copy reads");
    std::memcpy(host, gpu::instance().memory.host_pointer(address_of(from)), bytes);
  });
}

void fill(void* native, void* to, int value, std::size_t bytes) {
  gpu::instance().add_work(native, "memset", {.bytes = static_cast<double>(bytes)}, [=] {
    expects(gpu::instance().memory.on_write(address_of(to), bytes), "clearing writes");
    std::memset(gpu::instance().memory.host_pointer(address_of(to)), value, bytes);
  });
}

}  // namespace

extern "C" {

// The device.

cudaError_t cudaGetDeviceCount(int* count) { return *count = gpu::instance().devices, cudaSuccess; }
cudaError_t cudaGetDevice(int* device) { return *device = gpu::instance().device, cudaSuccess; }
cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= gpu::instance().devices) return set_last_error(cudaErrorInvalidDevice);
  return gpu::instance().device = device, cudaSuccess;
}
cudaError_t cudaDeviceGetPCIBusId(char* id, int size, int device) {
  const std::string name = "0000:0" + std::to_string(device) + ":00.0";
  std::strncpy(id, name.c_str(), static_cast<std::size_t>(size));
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  std::strcpy(properties->name, "mock GPU");
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) { return *version = CUDART_VERSION, cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int* version) { return *version = CUDART_VERSION, cudaSuccess; }
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr what, int) {
  switch (what) {
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      return *value = int{gpu::max_shared_memory}, cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      return *value = 8, cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      return *value = 0, cudaSuccess;
    case cudaDevAttrMultiProcessorCount:
      return *value = 108, cudaSuccess;
    default:
      return set_last_error(cudaErrorInvalidValue);
  }
}
cudaError_t cudaDeviceSynchronize() {
  return outside_of_capture([] { gpu::instance().finish_all(); });
}
cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorLaunchFailure ? gpu::instance().failed().c_str()
                                         : "the mock GPU refuses this call";
}

// Memory.

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  if (!gpu::instance().take()) return set_last_error(cudaErrorMemoryAllocation);
  std::uint64_t address = 0;
  const cudaError_t error = outside_of_capture([&] { address = gpu::instance().memory.allocate(bytes); });
  std::memcpy(memory, &address, sizeof address);
  return error == cudaSuccess && address == 0 ? set_last_error(cudaErrorMemoryAllocation) : error;
}
cudaError_t cudaFree(void* memory) {
  if (!memory) return cudaSuccess;
  return outside_of_capture([&] {
    if (!gpu::instance().memory.release(address_of(memory)))
      throw fault{"cudaFree of memory that is not allocated"};
  });
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *free = gpu::instance().memory.free_bytes();
  *total = device_memory::capacity;
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  if (!gpu::instance().take()) return set_last_error(cudaErrorMemoryAllocation);
  *memory = std::malloc(bytes);
  if (*memory) gpu::instance().pinned.emplace(static_cast<std::byte*>(*memory), bytes);
  return *memory ? cudaSuccess : set_last_error(cudaErrorMemoryAllocation);
}
cudaError_t cudaFreeHost(void* memory) {
  gpu::instance().pinned.erase(static_cast<std::byte*>(memory));
  std::free(memory);
  return cudaSuccess;
}
cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  return outside_of_capture([&] { fill(nullptr, to, value, bytes); });
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t on) {
  return try_work([&] { fill(on, to, value, bytes); });
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind way,
                            cudaStream_t on) {
  queue& stream = gpu::instance().stream(on);
  const void* const host = way == cudaMemcpyHostToDevice ? from : to;
  if (stream.capturing() && !gpu::instance().is_pinned(host, bytes)) return outside_of_capture([] {});
  return try_work([&] {
    if (way == cudaMemcpyHostToDevice)
      copy_to_device(stream, to, from, bytes);
    else if (way == cudaMemcpyDeviceToHost)
      copy_to_host(stream, to, from, bytes);
    else
      throw fault{"a copy that is neither from nor to the host"};
  });
}

}  // extern "C"
