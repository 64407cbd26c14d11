#pragma once
// pretext on an NVIDIA GPU, for files compiled as CUDA. Link cudart and cuBLASLt (in CMake: pretext::cuda).
#include <pretext/kernels/cuda/launch.cuh>
#include <pretext/kernels/cuda/matrix_products.cuh>
#include <pretext/kernels/cuda/operations.hpp>
#include <pretext/pretext.hpp>
