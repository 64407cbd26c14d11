#pragma once
// What libraries that are played need: memory of the device's, and numbers of any type in it.
#include <cstddef>
#include <functional>
#include <vector>

#include <cuda_runtime_api.h>
#include <library_types.h>
#include <pretext/core/bfloat16.hpp>

namespace pretext::tests {

// How a played library gets at the device's memory and works in a stream's order: the program that plays it
// says so.
const void* read_by_library(const void* memory, std::size_t bytes);
void* written_by_library(void* memory, std::size_t bytes);
void done_by_library(cudaStream_t on, std::function<void()> work);
/// And what becomes of a call that makes no sense.
void refused_by_library(const char* what);

/// Numbers side by side.
struct stored_numbers {
  cudaDataType_t number;
  std::size_t count;

  std::size_t bytes() const { return count * (number == CUDA_R_64F ? 8 : number == CUDA_R_16BF ? 2 : 4); }
  std::vector<double> fetch(const void* memory) const {
    const void* const from = read_by_library(memory, bytes());
    std::vector<double> all(count);
    for (std::size_t i = 0; i < count; ++i)
      all[i] = number == CUDA_R_64F    ? static_cast<const double*>(from)[i]
               : number == CUDA_R_16BF ? static_cast<double>(static_cast<const bfloat16*>(from)[i])
                                       : double{static_cast<const float*>(from)[i]};
    return all;
  }
  /// Rounded once.
  void store(void* memory, const std::vector<double>& all) const {
    void* const to = written_by_library(memory, bytes());
    for (std::size_t i = 0; i < count; ++i)
      if (number == CUDA_R_64F)
        static_cast<double*>(to)[i] = all[i];
      else if (number == CUDA_R_16BF)
        static_cast<bfloat16*>(to)[i] = bfloat16{all[i]};
      else
        static_cast<float*>(to)[i] = static_cast<float>(all[i]);
  }
};

}  // namespace pretext::tests
