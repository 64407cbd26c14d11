// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/gemm.hpp>
#include <pretext/kernels/gpu/gemm/tiled_product.hpp>

namespace pretext::inline v0_1::grid {

/// kernels::gemm by the tiled kernels: full precision and a fixed order of additions. Operands have type T;
/// the result has type C (activations or weight gradients).
template <class Context, class T, class C>
void multiply_matrices(Context& context, kernels::op a, kernels::op b, const product_extents& e, const T* A,
                       const T* B, C* c, kernels::write_mode mode) {
  const auto transpose = [](kernels::op how, const T* data, std::size_t rows, std::size_t columns) {
    return how == kernels::op::transposed ? matrix<T>{data, 1, rows} : matrix<T>{data, columns, 1};
  };
  multiply(context, e, transpose(a, A, e.m, e.k), transpose(b, B, e.k, e.n), c, mode);
}

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// The library's own tiled GEMM; `gemm<cuda_gpu>` uses cuBLASLt (gemm/cublaslt.cuh).
template <Accelerator Device>
struct gemm<Device> {
  template <class Context, class T, class C>
  static void run(Context& context, op a, op b, std::size_t m, std::size_t n, std::size_t k, const T* A,
                  const T* B, C* c, write_mode mode) {
    grid::multiply_matrices(context, a, b, {m, n, k}, A, B, c, mode);
  }
};

}  // namespace pretext::inline v0_1::kernels
