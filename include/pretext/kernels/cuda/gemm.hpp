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
    const bool turn_b = b == op::transposed;
    const auto multiply = [&](const auto& left, const auto& right) {
      grid::multiply<T>(place, {m, n, k}, left, right, C, mode);
    };
    const auto with = [&](const auto& left) {
      if (turn_b)
        multiply(left, grid::matrix<T, true>{B, k});
      else
        multiply(left, grid::matrix<T, false>{B, n});
    };
    if (a == op::transposed)
      with(grid::matrix<T, true>{A, m});
    else
      with(grid::matrix<T, false>{A, k});
  }
};

}  // namespace pretext::kernels
