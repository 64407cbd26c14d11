#pragma once
// pretext on an NVIDIA GPU, for files compiled as CUDA. Link cudart and cuBLASLt (in CMake: pretext::cuda).
// Who links cuDNN 9, too, defines PRETEXT_CUDNN for all such files of a program (in CMake: pretext::cudnn).
#include <pretext/kernels/gpu/block/launch.cuh>
#include <pretext/kernels/gpu/gemm/cublaslt.cuh>
#include <pretext/kernels/gpu/operations.hpp>
#include <pretext/pretext.hpp>
#ifdef PRETEXT_CUDNN
#include <pretext/kernels/gpu/convolution/cudnn.cuh>
#endif
