// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// How a matrix enters a product.
enum class op { none, transposed };

/// Matrix products of row-major matrices: C = op(A)·op(B), or C += op(A)·op(B).
template <class Device>
struct gemm : missing<Device> {};

/// The calls that a device's `gemm` accepts.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = gemm<device_of<Context>>>
concept GemmKernel = requires(Context& context, op a, op b, std::size_t m, std::size_t n, std::size_t k,
                              const T* A, const T* B, T* C, W* dw, write_mode mode) {
  // op(A) is m×k, op(B) is k×n. The result m×n is an activation, or a gradient of weights.
  Kernel::run(context, a, b, m, n, k, A, B, C, mode);
  Kernel::run(context, a, b, m, n, k, A, B, dw, mode);
};

}  // namespace pretext::inline v0_1::kernels
