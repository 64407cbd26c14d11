// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/cpp20.hpp>

// What a device must provide
//
// Layers, losses, optimizers and augmentations never loop over an array themselves. They call an operation
// of their context's device, `kernels::gemm<device>::run(…)`. Each operation is declared in one header:
//   * a class template of the device, `gemm<Device>`, whose primary template is `missing`: naming it for a
//     device without kernels is an error that says what to include;
//   * a concept of the same name, `GemmKernel<Context>`, that lists every function with its parameters.
// A device specialises the template and asserts the concept for the contexts it supports:
//
//   template <>
//   struct pretext::kernels::relu<my_device> { … forward … backward … };
//   static_assert(pretext::kernels::ReluKernel<pretext::on<my_device, pretext::fp32>>);
//
// `Complete<Device>` (kernels/complete.hpp) is the conjunction of all of them. Concepts are checked by tests,
// tests/kernels/operations.cpp, not where an operation is called: there they would only cost compile time.
//
// Two implementations exist. kernels/cpu/ is the reference. kernels/gpu/operations.hpp implements every
// operation for any device that launches grids of blocks (devices/grid/kernel.hpp), so a new GPU needs
// `launch` and, for speed, matrix products of its own.
//
//   header                      operations
//   attention.hpp               attention
//   augment.hpp                 augment
//   batch_mix.hpp               mixing
//   batch_norm.hpp              batch_norm
//   convolution.hpp             convolution
//   cosine_regression.hpp       cosine_regression
//   cross_entropy.hpp           cross_entropy
//   depthwise_convolution.hpp   depthwise_convolution
//   drop_path.hpp               drop_path
//   elementwise.hpp             relu, elementwise, channel_bias
//   for_each_row.hpp            for_each_row, sum_of_parts
//   gelu.hpp                    gelu
//   gemm.hpp                    gemm
//   layer_norm.hpp              layer_norm
//   layer_scale.hpp             layer_scale
//   linear.hpp                  linear
//   masked_pixels.hpp           masked_pixels
//   masking.hpp                 uniform_noise, order_by_noise, enlarge_grid
//   nt_xent.hpp                 nt_xent
//   optimize.hpp                optimize
//   parallel_for.hpp            parallel_for
//   patches.hpp                 patches
//   pooling.hpp                 average_pool, max_pool
//   shuffled_tokens.hpp         gather_tokens, scatter_tokens
//   tokens.hpp                  prepend_tokens, token_mean
//
// Optional: a convolution that computes the moments of its result while the result is in a cache declares
// `computes_moments`; then the device provides `ConvolutionMomentsKernel` and `BatchNormMomentsKernel`, too.
// One that may sum its results declares `sums_results`, for `ConvolutionSumsKernel` and
// `BatchNormSumsKernel`. One that applies an epilogue to it declares `applies_epilogue`, for
// `ConvolutionEpilogueKernel`. A batch norm that stores the signs of a ReLU's outputs declares
// `stores_signs`, for `BatchNormSignsKernel`.
//
// Conventions of every function:
//   * `context` comes first. Work is queued on `context.stream` and may still be running when the function
//     returns. Temporary memory comes from `context.workspace`, inside an `arena_scope`; a training step
//     allocates nothing else.
//   * All arrays are in the device's memory, dense and row-major, images channels-last. The last dimension
//     that a comment names is contiguous.
//   * T is the type that activations are stored as, and that products multiply; W is the type of weights: of
//     parameters, their gradients, statistics and per-row or per-channel scales. They differ where a device
//     stores activations as bfloat16.
//   * In the concepts, pointers to const are inputs, `out_…` is overwritten, and any other pointer is updated
//     in place: gradients of parameters and gradients of losses are added to.
//   * Arrays do not overlap unless a comment allows it, and are not null unless a comment allows it.
//   * The same inputs give the same bits on every call and for any number of threads.
namespace pretext::inline v0_1::kernels {

/// The primary template of every operation: a compile-time error for a device that has no kernel for it.
template <class Device>
struct missing {
  static_assert(
      sizeof(Device) == 0,
      "pretext: this operation has no kernel for the device you named. For pretext::cpu include "
      "<pretext/cpu.hpp>; for pretext::cuda_gpu include <pretext/cuda.cuh> and compile the file as CUDA.");
};

/// Whether a kernel replaces its result or adds to it.
enum class write_mode { overwrite, accumulate };

/// The types that the concepts take from a context.
template <class Context>
using device_of = typename Context::device;
/// T: what activations are stored as.
template <class Context>
using activation_of = typename Context::activation;  // T
/// W: what parameters are stored as.
template <class Context>
using weight_of = typename Context::weight;  // W
/// What a loss returns.
template <class Context>
using loss_of = typename Context::loss_value;

}  // namespace pretext::inline v0_1::kernels
