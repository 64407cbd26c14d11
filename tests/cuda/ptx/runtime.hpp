#pragma once
#include <cstdint>

#include <cuda_runtime_api.h>

#include "gpu.hpp"

// How calls of CUDA's runtime answer. It puts off what it may put off, copies when it must, and refuses while
// a stream records what a graph cannot hold.
namespace pretext::tests::ptx {

/// Of the call that failed last and was not asked about.
inline cudaError_t last_error = cudaSuccess;
inline cudaError_t said(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

/// Does it, unless something went wrong before.
inline cudaError_t attempted(const work& what) {
  return said(gpu::only().attempt(what) ? cudaSuccess : cudaErrorLaunchFailure);
}
inline cudaError_t outside_of_recordings(const work& what) {
  if (gpu::only().breaks_recording()) return said(cudaErrorStreamCaptureUnsupported);
  return attempted(what);
}

inline std::uint64_t address_of(const void* memory) { return reinterpret_cast<std::uint64_t>(memory); }

}  // namespace pretext::tests::ptx
