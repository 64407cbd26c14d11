// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include <pretext/core/bfloat16.hpp>
#include <pretext/devices/cuda.hpp>
#include <pretext/kernels/gpu/gemm.hpp>
#include <pretext/kernels/gpu/gemm/fused_product.hpp>

namespace pretext::inline v0_1 {
namespace grid {

/// cuBLASLt's matrices are column-major, so a row-major C = A·B is computed as Cᵀ = Bᵀ·Aᵀ. `pointers` are
/// all arrays that take part; they decide the alignment.
template <class T, class C, class Context>
pretext::detail::matrix_product column_major_product(Context&, kernels::op a, kernels::op b,
                                                     const product_extents& e, bool accumulate,
                                                     pretext::detail::product_epilogue epilogue,
                                                     std::initializer_list<const void*> pointers) {
  constexpr bool in_double = std::is_same_v<T, double>;
  constexpr auto data_type = []<class Number>(Number) {
    return std::is_same_v<Number, double>     ? CUDA_R_64F
           : std::is_same_v<Number, bfloat16> ? CUDA_R_16BF
                                              : CUDA_R_32F;
  };
  // Floats are multiplied in full precision unless the context's numerics ask for TF32.
  constexpr bool in_tf32 = requires { Context::numerics::products_in_tf32; };
  bool aligned = true;
  for (const void* memory : pointers) aligned = aligned && reinterpret_cast<std::uintptr_t>(memory) % 16 == 0;
  return {b == kernels::op::transposed,
          a == kernels::op::transposed,
          accumulate,
          aligned,
          epilogue,
          e.n,
          e.m,
          e.k,
          data_type(T{}),
          data_type(C{}),
          in_double ? CUDA_R_64F : CUDA_R_32F,
          in_double ? CUBLAS_COMPUTE_64F
          : in_tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                    : CUBLAS_COMPUTE_32F};
}

/// cuBLASLt's epilogues, which exist only for a bias of the result's type and not in double.
template <>
struct fused_product<cuda_gpu> {
  template <class Context, class T>
  static bool add(Context& context, std::size_t m, std::size_t n, std::size_t k, const T* A, const T* B,
                  const T* bias, const T* addend, T* c) {
    using pretext::detail::product_epilogue;
    if (m == 0 || n == 0 || k == 0 || std::is_same_v<T, double>) return false;
    const auto product = column_major_product<T, T>(
        context, kernels::op::none, kernels::op::transposed, {m, n, k}, addend,
        bias ? product_epilogue::bias : product_epilogue::result, {A, B, bias, addend, c});
    return context.stream.products().run(context.stream.native(), product, B, A, addend ? addend : c, c,
                                         bias);
  }

  template <class Context, class T, class C>
  static bool sum_columns(Context& context, std::size_t m, std::size_t n, std::size_t k, const T* A,
                          const T* B, C* c, C* sums) {
    if (m == 0 || n == 0 || k == 0 || std::is_same_v<T, double>) return false;
    const auto product =
        column_major_product<T, C>(context, kernels::op::transposed, kernels::op::none, {m, n, k}, true,
                                   pretext::detail::product_epilogue::sums_of_b, {A, B, c, sums});
    return context.stream.products().run(context.stream.native(), product, B, A, c, c, sums);
  }
};

}  // namespace grid

namespace kernels {

/// cuBLASLt's products, with the tiled kernels as fallback for those that it does not support.
template <>
struct gemm<cuda_gpu> {
  template <class Context, class T, class C>
  static void run(Context& context, op a, op b, std::size_t m, std::size_t n, std::size_t k, const T* A,
                  const T* B, C* c, write_mode mode) {
    if (m == 0 || n == 0) return;
    const bool accumulate = mode == write_mode::accumulate;
    if (k == 0) {
      if (!accumulate) Context::device::clear(context.stream, c, m * n);
      return;
    }
    const auto product = grid::column_major_product<T, C>(
        context, a, b, {m, n, k}, accumulate, pretext::detail::product_epilogue::result, {A, B, c});
    if (!context.stream.products().run(context.stream.native(), product, B, A, c, c))
      grid::multiply_matrices(context, a, b, {m, n, k}, A, B, c, mode);
  }
};

}  // namespace kernels
}  // namespace pretext::inline v0_1
