// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include <pretext/core/expects.hpp>

// Messages for users where CUDA cannot be used. They are separate from the calls of CUDA, so that they can be
// tested without a GPU.
namespace pretext::inline v0_1::cuda_failure {

/// The text of a version of CUDA: 12040 is 12.4.
inline std::string version(int number) { return str_cat(number / 1000, ".", number % 1000 / 10); }

/// The driver is missing (version 0) or older than the toolkit of the program.
inline std::string old_driver(int driver, int toolkit) {
  if (driver == 0)
    return "there is no NVIDIA driver on this machine, so no GPU to run on; use the CPU, or install the "
           "driver";
  return str_cat("the NVIDIA driver supports CUDA ", version(driver),
                 ", but this program was built with CUDA ", version(toolkit),
                 ": update the driver, or build with a toolkit that it supports");
}

/// CUDA finds no GPU.
inline std::string no_gpu() {
  return "there is no NVIDIA GPU that this program may use (CUDA_VISIBLE_DEVICES may hide it); use the CPU";
}

/// The program was not compiled for the compute capability of the GPU.
inline std::string no_code(int major, int minor) {
  return str_cat("this program has no code for a GPU of compute capability ", major, ".", minor,
                 ": build it with CMAKE_CUDA_ARCHITECTURES=", major, minor);
}

/// Any other error, with CUDA's message.
inline std::string other(std::string_view doing, std::string_view message) {
  return str_cat("CUDA failed ", doing, ": ", message);
}

}  // namespace pretext::inline v0_1::cuda_failure
