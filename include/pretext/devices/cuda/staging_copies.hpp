#pragma once
#include <cstddef>

#include <cuda_runtime_api.h>
#include <pretext/devices/cuda/errors.hpp>

namespace pretext::detail {

/// How CUDA does what a `pinned_ring` asks for.
struct cuda_copies {
  static void* pin(std::size_t bytes) {
    void* memory = nullptr;
    if (cudaMallocHost(&memory, bytes) == cudaSuccess) return memory;
    cudaGetLastError();  // it is not to be met again by the next call
    return nullptr;
  }
  static void unpin(void* memory) {
    if (memory) cudaFreeHost(memory);
  }
  static void copy(cudaStream_t on, void* to, const void* from, std::size_t bytes) {
    expects_success(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, on), "writing to the device");
  }

  /// A place on a stream.
  class mark {
   public:
    mark() = default;
    mark(const mark&) = delete;
    mark& operator=(const mark&) = delete;
    ~mark() {
      if (event_) cudaEventDestroy(event_);
    }
    void set(cudaStream_t on) {
      if (!event_)  // threads that read images want the processor more than this one does
        expects_success(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming | cudaEventBlockingSync),
                        "making an event");
      expects_success(cudaEventRecord(event_, on), "marking a copy");
    }
    void wait() const { expects_success(cudaEventSynchronize(event_), "waiting for a copy"); }

   private:
    cudaEvent_t event_ = nullptr;
  };
};

}  // namespace pretext::detail
