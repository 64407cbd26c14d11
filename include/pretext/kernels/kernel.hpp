#pragma once

// Where an operation's declaration says T it means numbers stored as activations are (and what products
// multiply by), where it says W those kept as weights are: parameters, their gradients, statistics and
// factors of single rows or channels. On most devices and in most numerics these are one type.
namespace pretext::kernels {

/// Fails, in words, when an operation is asked of a device that has no kernel for it in this file.
template <class Device>
struct missing {
  static_assert(
      sizeof(Device) == 0,
      "pretext: this operation has no kernel for the device you named. For pretext::cpu include "
      "<pretext/cpu.hpp>; for pretext::cuda include <pretext/cuda.cuh> and compile the file as CUDA.");
};

/// Does a kernel replace what its result held, or add to it?
enum class write_mode { overwrite, accumulate };

}  // namespace pretext::kernels
