#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <pretext/core/bfloat16.hpp>
#include <pretext/devices/cuda.hpp>
#include <pretext/kernels/cuda/gemm.hpp>

namespace pretext::kernels {

/// cuBLASLt's products, and our own where it has none.
template <>
struct gemm<cuda> {
  template <class Place, class T, class C>
  static void run(Place& place, op a, op b, std::size_t m, std::size_t n, std::size_t k, const T* A,
                  const T* B, C* c, into mode) {
    if (m == 0 || n == 0) return;
    if (k == 0) {
      if (mode == into::overwrite) cuda::clear(place.stream, c, m * n);
      return;
    }
    // Its matrices lie columns first, so that ours are their transposes: Cᵀ = Bᵀ·Aᵀ.
    constexpr bool twice = std::is_same_v<T, double>;
    const auto whole = [](const void* matrix) { return reinterpret_cast<std::uintptr_t>(matrix) % 16 == 0; };
    const pretext::detail::matrix_product product{b == op::transposed,
                                                  a == op::transposed,
                                                  mode == into::accumulate,
                                                  whole(A) && whole(B) && whole(c),
                                                  n,
                                                  m,
                                                  k,
                                                  number<T>,
                                                  number<C>,
                                                  twice ? CUDA_R_64F : CUDA_R_32F,
                                                  twice ? CUBLAS_COMPUTE_64F : arithmetic<Place>()};
    if (!place.stream.products().run(place.stream.native(), product, B, A, c))
      grid::multiply_matrices(place, a, b, {m, n, k}, A, B, c, mode);
  }

 private:
  template <class T>
  static constexpr cudaDataType_t number = std::is_same_v<T, double>     ? CUDA_R_64F
                                           : std::is_same_v<T, bfloat16> ? CUDA_R_16BF
                                                                         : CUDA_R_32F;

  /// How products of floats are computed: with all digits, unless the place's numerics say otherwise.
  template <class Place>
  static constexpr cublasComputeType_t arithmetic() {
    if constexpr (requires { Place::numerics::products_in_tf32; })
      return CUBLAS_COMPUTE_32F_FAST_TF32;
    else
      return CUBLAS_COMPUTE_32F;
  }
};

}  // namespace pretext::kernels
