// SPDX-License-Identifier: MIT
#pragma once
// pretext on an NVIDIA GPU, for files that nvcc compiles. Link cudart and cuBLASLt (in CMake: pretext::cuda).
// With cuDNN 9, define PRETEXT_CUDNN for all files of the program (in CMake: pretext::cudnn); files that
// disagree do not link where one passes a `cuda_gpu` to the other.
#include <pretext/kernels/gpu/block/launch.cuh>
#include <pretext/kernels/gpu/gemm/cublaslt.cuh>
#include <pretext/kernels/gpu/operations.hpp>
#include <pretext/pretext.hpp>
#ifdef PRETEXT_CUDNN
#include <pretext/kernels/gpu/attention/cudnn.cuh>
#include <pretext/kernels/gpu/convolution/cudnn.cuh>
#include <pretext/kernels/gpu/gemm/cudnn_gelu.cuh>
#endif
