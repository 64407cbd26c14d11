#pragma once
// Shared by the mock libraries: access to device memory, and values of any type in it.
#include <cstddef>
#include <functional>
#include <vector>

#include <cuda_runtime_api.h>
#include <library_types.h>
#include <pretext/core/bfloat16.hpp>

#include "cuda/ptx/counts.hpp"

namespace pretext::tests {

// How a mock library accesses device memory and enqueues work on a stream; the including program defines
// these.
const void* library_input(const void* memory, std::size_t bytes);
void* library_output(void* memory, std::size_t bytes);
void enqueue_library_work(cudaStream_t on, const char* what, const ptx::library_work& size,
                          std::function<void()> work);
/// Called for an invalid call.
void library_error(const char* what);

/// Consecutive values of one type.
struct typed_values {
  cudaDataType_t type;
  std::size_t count;

  std::size_t bytes() const { return count * (type == CUDA_R_64F ? 8 : type == CUDA_R_16BF ? 2 : 4); }
  std::vector<double> fetch(const void* memory) const {
    const void* const from = library_input(memory, bytes());
    std::vector<double> all(count);
    for (std::size_t i = 0; i < count; ++i)
      all[i] = type == CUDA_R_64F    ? static_cast<const double*>(from)[i]
               : type == CUDA_R_16BF ? static_cast<double>(static_cast<const bfloat16*>(from)[i])
                                     : double{static_cast<const float*>(from)[i]};
    return all;
  }
  /// Rounds each value once.
  void store(void* memory, const std::vector<double>& all) const {
    void* const to = library_output(memory, bytes());
    for (std::size_t i = 0; i < count; ++i)
      if (type == CUDA_R_64F)
        static_cast<double*>(to)[i] = all[i];
      else if (type == CUDA_R_16BF)
        static_cast<bfloat16*>(to)[i] = bfloat16{all[i]};
      else
        static_cast<float*>(to)[i] = static_cast<float>(all[i]);
  }
};

}  // namespace pretext::tests
