#pragma once
// pretext on an NVIDIA GPU, for files compiled as CUDA. Link cudart and cuBLASLt (in CMake: pretext::cuda).
#include <pretext/kernels/cuda/elementwise.hpp>
#include <pretext/kernels/cuda/launch.cuh>
