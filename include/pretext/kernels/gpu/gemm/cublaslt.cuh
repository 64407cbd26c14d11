#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include <pretext/core/bfloat16.hpp>
#include <pretext/devices/cuda.hpp>
#include <pretext/kernels/gpu/gemm.hpp>
#include <pretext/kernels/gpu/gemm/fused_product.hpp>

namespace pretext {
namespace grid {

/// cuBLASLt's matrices lie columns first, so that ours are their transposes: Cᵀ = Bᵀ·Aᵀ. `where` is all the
/// memory that takes part.
template <class T, class C, class Context>
pretext::detail::matrix_product in_columns(Context&, kernels::op a, kernels::op b, const product_extents& e,
                                           bool accumulate, pretext::detail::ending end,
                                           std::initializer_list<const void*> where) {
  constexpr bool twice = std::is_same_v<T, double>;
  constexpr auto number = []<class Number>(Number) {
    return std::is_same_v<Number, double>     ? CUDA_R_64F
           : std::is_same_v<Number, bfloat16> ? CUDA_R_16BF
                                              : CUDA_R_32F;
  };
  // Floats are multiplied with all digits, unless the place's numerics say otherwise.
  constexpr bool in_tf32 = requires { Context::numerics::products_in_tf32; };
  bool aligned = true;
  for (const void* memory : where) aligned = aligned && reinterpret_cast<std::uintptr_t>(memory) % 16 == 0;
  return {b == kernels::op::transposed,
          a == kernels::op::transposed,
          accumulate,
          aligned,
          end,
          e.n,
          e.m,
          e.k,
          number(T{}),
          number(C{}),
          twice ? CUDA_R_64F : CUDA_R_32F,
          twice     ? CUBLAS_COMPUTE_64F
          : in_tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                    : CUBLAS_COMPUTE_32F};
}

/// cuBLASLt's epilogues. It has them for a bias stored as the result is, and none in double.
template <>
struct fused_product<cuda> {
  template <class Context, class T>
  static bool add(Context& context, std::size_t m, std::size_t n, std::size_t k, const T* A, const T* B,
                  const T* bias, const T* beside, T* c) {
    using pretext::detail::ending;
    if (m == 0 || n == 0 || k == 0 || std::is_same_v<T, double>) return false;
    const auto product =
        in_columns<T, T>(context, kernels::op::none, kernels::op::transposed, {m, n, k}, beside,
                         bias ? ending::bias : ending::result, {A, B, bias, beside, c});
    return context.stream.products().run(context.stream.native(), product, B, A, beside ? beside : c, c,
                                         bias);
  }

  template <class Context, class T, class C>
  static bool sum_columns(Context& context, std::size_t m, std::size_t n, std::size_t k, const T* A,
                          const T* B, C* c, C* sums) {
    if (m == 0 || n == 0 || k == 0 || std::is_same_v<T, double>) return false;
    const auto product = in_columns<T, C>(context, kernels::op::transposed, kernels::op::none, {m, n, k},
                                          true, pretext::detail::ending::sums_of_b, {A, B, c, sums});
    return context.stream.products().run(context.stream.native(), product, B, A, c, c, sums);
  }
};

}  // namespace grid

namespace kernels {

/// cuBLASLt's products, and our own where it has none.
template <>
struct gemm<cuda> {
  template <class Context, class T, class C>
  static void run(Context& context, op a, op b, std::size_t m, std::size_t n, std::size_t k, const T* A,
                  const T* B, C* c, write_mode mode) {
    if (m == 0 || n == 0) return;
    const bool accumulate = mode == write_mode::accumulate;
    if (k == 0) {
      if (!accumulate) Context::device::clear(context.stream, c, m * n);
      return;
    }
    const auto product = grid::in_columns<T, C>(context, a, b, {m, n, k}, accumulate,
                                                pretext::detail::ending::result, {A, B, c});
    if (!context.stream.products().run(context.stream.native(), product, B, A, c, c))
      grid::multiply_matrices(context, a, b, {m, n, k}, A, B, c, mode);
  }
};

}  // namespace kernels
}  // namespace pretext
