// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <type_traits>

#include <pretext/kernels/cpu/gemm/tile_portable.hpp>
#include <pretext/kernels/cpu/gemm/tile_product.hpp>
#include <pretext/kernels/cpu/gemm/tile_shape.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#if defined(__x86_64__)
#include <pretext/kernels/cpu/gemm/tile_avx2.hpp>
#include <pretext/kernels/cpu/gemm/tile_avx512.hpp>
#include <pretext/kernels/cpu/gemm/tile_bfloat16.hpp>
#endif

namespace pretext::inline v0_1::kernels {

/// Computes a tile with the best instruction set (`best_isa`).
template <class Product>
void run_tile(const Product& product) {
  using operand = typename Product::operand;
#if defined(__x86_64__)
  const isa best = best_isa();
  if constexpr (std::is_same_v<operand, bfloat16_pair>)
    if (best == isa::avx512_bf16) return detail::avx512_tile<operand, detail::avx512_bf16>::run(product);
  if (best >= isa::avx512) return detail::avx512_tile<operand>::run(product);
  if (best == isa::avx2) return detail::avx2_tile<operand>::run(product);
#endif
  detail::portable_tile<operand>::run(product);
}

}  // namespace pretext::inline v0_1::kernels
