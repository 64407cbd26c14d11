// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <cuda_runtime_api.h>
#include <pretext/devices/cuda/errors.hpp>
#include <pretext/devices/device_memory.hpp>

namespace pretext::inline v0_1::detail {

/// Uninitialized device memory. Throws out_of_device_memory.
inline void* device_malloc(std::size_t bytes) {
  void* memory = nullptr;
  const cudaError_t error = cudaMalloc(&memory, bytes);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // clears the error, or the next call would report it
    std::size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    throw out_of_device_memory{bytes, free, total};
  }
  expects_success(error, "allocating device memory");
  return memory;
}

}  // namespace pretext::inline v0_1::detail
