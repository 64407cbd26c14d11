// Programs that a CUDA compiler was there for.
#include <pretext/devices/cuda.hpp>

#include "../on_gpu.hpp"

void programs::expects_gpu() {
  if (const std::string reason = pretext::cuda::unavailable_reason(); !reason.empty())
    throw std::runtime_error{reason};
}
