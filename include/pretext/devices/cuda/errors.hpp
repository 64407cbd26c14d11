// SPDX-License-Identifier: MIT
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

#include <cuda_runtime_api.h>
#include <pretext/devices/cuda/messages.hpp>

namespace pretext::inline v0_1::detail {

/// The message for a CUDA error that occurred while `doing` something, such as "allocating device memory".
inline std::string message_for(cudaError_t error, std::string_view doing) {
  if (error == cudaErrorInsufficientDriver) {
    int driver = 0, toolkit = 0;
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&toolkit);
    return cuda_failure::old_driver(driver, toolkit);
  }
  if (error == cudaErrorNoDevice) return cuda_failure::no_gpu();
  if (error == cudaErrorNoKernelImageForDevice || error == cudaErrorInvalidDeviceFunction) {
    int device = 0, major = 0, minor = 0;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
    cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device);
    return cuda_failure::no_code(major, minor);
  }
  return cuda_failure::other(doing, cudaGetErrorString(error));
}

/// Throws std::runtime_error with a message unless CUDA succeeded.
inline void expects_success(cudaError_t error, std::string_view doing) {
  if (error != cudaSuccess) [[unlikely]]
    throw std::runtime_error{message_for(error, doing)};
}

}  // namespace pretext::inline v0_1::detail
