#pragma once
#include <cstddef>

#include <pretext/kernels/gemm.hpp>
#include <pretext/kernels/gpu/gemm/tiled_product.hpp>

namespace pretext::grid {

/// kernels::gemm in our own tiles, exact in what they add and in which order. Factors are stored as T, the
/// result as C: activations as activations, gradients of weights as weights.
template <class Context, class T, class C>
void multiply_matrices(Context& context, kernels::op a, kernels::op b, const product_extents& e, const T* A,
                       const T* B, C* c, kernels::write_mode mode) {
  const auto transpose = [](kernels::op how, const T* data, std::size_t rows, std::size_t columns) {
    return how == kernels::op::transposed ? matrix<T>{data, 1, rows} : matrix<T>{data, columns, 1};
  };
  multiply(context, e, transpose(a, A, e.m, e.k), transpose(b, B, e.k, e.n), c, mode);
}

}  // namespace pretext::grid

namespace pretext::kernels {

/// Our own; `gemm<cuda>` is cuBLASLt's (matrix_products.cuh).
template <Accelerator Device>
struct gemm<Device> {
  template <class Context, class T, class C>
  static void run(Context& context, op a, op b, std::size_t m, std::size_t n, std::size_t k, const T* A,
                  const T* B, C* c, write_mode mode) {
    grid::multiply_matrices(context, a, b, {m, n, k}, A, B, c, mode);
  }
};

}  // namespace pretext::kernels
