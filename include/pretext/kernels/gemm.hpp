#pragma once
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

enum class op { none, transposed };

/// C = A·B, or C += A·B; row-major, A is m×k and B is k×n after `op`. C is of activations or of weights.
///   run(place, op a, op b, m, n, k, const T* A, const T* B, T* or W* C, into)
template <class Device>
struct gemm : missing<Device> {};

}  // namespace pretext::kernels
