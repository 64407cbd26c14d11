#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <pretext/core/bfloat16.hpp>
#include <pretext/devices/cuda.hpp>
#include <pretext/kernels/cuda/gemm.hpp>

namespace pretext::kernels {

/// cuBLASLt's products.
template <>
struct gemm<cuda> {
  template <class Place, class T>
  static void run(Place& place, op a, op b, std::size_t m, std::size_t n, std::size_t k, const T* A,
                  const T* B, T* C, into mode) {
    if (m == 0 || n == 0) return;
    if (k == 0) {
      if (mode == into::overwrite) cuda::clear(place.stream, C, m * n);
      return;
    }
    // Its matrices lie columns first, so that ours are their transposes: Cᵀ = Bᵀ·Aᵀ.
    constexpr bool twice = std::is_same_v<T, double>;
    const auto whole = [](const T* matrix) { return reinterpret_cast<std::uintptr_t>(matrix) % 16 == 0; };
    const pretext::detail::matrix_product product{b == op::transposed,
                                                  a == op::transposed,
                                                  mode == into::accumulate,
                                                  whole(A) && whole(B) && whole(C),
                                                  n,
                                                  m,
                                                  k,
                                                  twice ? CUDA_R_64F : CUDA_R_32F,
                                                  twice ? CUBLAS_COMPUTE_64F : arithmetic<Place>()};
    place.stream.products().run(place.stream.native(), product, B, A, C);
  }

 private:
  /// How single-precision products are computed: as the place's numerics say, else with all digits.
  template <class Place>
  static constexpr cublasComputeType_t arithmetic() {
    using numerics = typename Place::numerics;
    if constexpr (requires { numerics::products_in_tf32; })
      return CUBLAS_COMPUTE_32F_FAST_TF32;
    else if constexpr (std::is_same_v<typename numerics::factor, bfloat16>)
      return CUBLAS_COMPUTE_32F_FAST_16BF;
    else
      return CUBLAS_COMPUTE_32F;
  }
};

}  // namespace pretext::kernels
