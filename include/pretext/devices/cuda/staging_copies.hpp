// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <cuda_runtime_api.h>
#include <pretext/devices/cuda/errors.hpp>

namespace pretext::inline v0_1::detail {

/// The operations of CUDA for a `pinned_ring`.
struct cuda_copies {
  static void* pin(std::size_t bytes) {
    void* memory = nullptr;
    if (cudaMallocHost(&memory, bytes) == cudaSuccess) return memory;
    cudaGetLastError();  // clears the error, or the next call would report it
    return nullptr;
  }
  static void unpin(void* memory) {
    if (memory) cudaFreeHost(memory);
  }
  static void copy(cudaStream_t on, void* to, const void* from, std::size_t bytes) {
    expects_success(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, on), "writing to the device");
  }

  /// A position on a stream that the host can wait for.
  class mark {
   public:
    mark() = default;
    mark(const mark&) = delete;
    mark& operator=(const mark&) = delete;
    ~mark() {
      if (event_) cudaEventDestroy(event_);
    }
    void set(cudaStream_t on) {
      if (!event_)  // blocking: threads that decode images need the processor more than this one
        expects_success(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming | cudaEventBlockingSync),
                        "creating an event");
      expects_success(cudaEventRecord(event_, on), "marking a copy");
    }
    void wait() const { expects_success(cudaEventSynchronize(event_), "waiting for a copy"); }

   private:
    cudaEvent_t event_ = nullptr;
  };
};

}  // namespace pretext::inline v0_1::detail
