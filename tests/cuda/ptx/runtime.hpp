#pragma once
#include <cstdint>

#include <cuda_runtime_api.h>

#include "gpu.hpp"

// Return values of the mock CUDA runtime. It defers work where CUDA may, copies memory when CUDA must, and
// refuses during capture what a graph cannot hold.
namespace pretext::tests::ptx {

/// The last error, until cudaGetLastError clears it.
inline cudaError_t last_error = cudaSuccess;
inline cudaError_t set_last_error(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

/// Runs it unless a fault has occurred before.
inline cudaError_t try_work(const work& what) {
  return set_last_error(gpu::instance().attempt(what) ? cudaSuccess : cudaErrorLaunchFailure);
}
inline cudaError_t outside_of_capture(const work& what) {
  if (gpu::instance().invalidate_captures()) return set_last_error(cudaErrorStreamCaptureUnsupported);
  return try_work(what);
}

inline std::uint64_t address_of(const void* memory) { return reinterpret_cast<std::uint64_t>(memory); }

}  // namespace pretext::tests::ptx
