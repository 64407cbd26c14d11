#pragma once
#include <cstddef>

#include <pretext/kernels/cuda/tiled_product.hpp>
#include <pretext/kernels/gemm.hpp>

namespace pretext::kernels {

/// Our own tiles, exact in what they add and in which order; `gemm<cuda>` is cuBLASLt's
/// (matrix_products.cuh). Factors are stored as T, the result as C: activations as activations, gradients of
/// weights as weights.
template <Accelerator Device>
struct gemm<Device> {
  template <class Place, class T, class C>
  static void run(Place& place, op a, op b, std::size_t m, std::size_t n, std::size_t k, const T* A,
                  const T* B, C* c, into mode) {
    grid::multiply_matrices(place, a, b, {m, n, k}, A, B, c, mode);
  }
};

}  // namespace pretext::kernels
