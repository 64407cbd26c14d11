#pragma once
#include <cstddef>

#include <pretext/kernels/cuda/tiled_product.hpp>
#include <pretext/kernels/gemm.hpp>

namespace pretext::kernels {

/// Our own tiles, exact in what they add and in which order; `gemm<cuda>` is cuBLASLt's
/// (matrix_products.cuh).
template <Accelerator Device>
struct gemm<Device> {
  template <class Place, class T>
  static void run(Place& place, op a, op b, std::size_t m, std::size_t n, std::size_t k, const T* A,
                  const T* B, T* C, into mode) {
    const bool turn_a = a == op::transposed, turn_b = b == op::transposed;
    grid::multiply<T>(place, {m, n, k}, grid::matrix<T>{A, turn_a ? m : k, turn_a},
                      grid::matrix<T>{B, turn_b ? k : n, turn_b}, C, mode);
  }
};

}  // namespace pretext::kernels
