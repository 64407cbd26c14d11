#pragma once
// Every operation of kernels/ for accelerators. What runs them is a device's: kernels/cuda/launch.cuh on a GPU.
#include <pretext/kernels/cuda/augment.hpp>
#include <pretext/kernels/cuda/batch_norm.hpp>
#include <pretext/kernels/cuda/convolution.hpp>
#include <pretext/kernels/cuda/cosine_regression.hpp>
#include <pretext/kernels/cuda/elementwise.hpp>
#include <pretext/kernels/cuda/gelu.hpp>
#include <pretext/kernels/cuda/gemm.hpp>
#include <pretext/kernels/cuda/linear.hpp>
#include <pretext/kernels/cuda/nt_xent.hpp>
#include <pretext/kernels/cuda/optimize.hpp>
#include <pretext/kernels/cuda/pooling.hpp>
