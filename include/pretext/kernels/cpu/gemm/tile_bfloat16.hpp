// SPDX-License-Identifier: MIT
#pragma once
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include <pretext/kernels/cpu/gemm/operands.hpp>
#include <pretext/kernels/cpu/gemm/tile_avx2.hpp>
#include <pretext/kernels/cpu/gemm/tile_avx512.hpp>

// Products of bfloat16 pairs. Without the instruction vdpbf16ps, a pair is two floats, which are multiplied
// and added one after the other, the second first. The instruction differs in its rounding, which may combine
// both, and treats values below 2^-126 as zeros.
namespace pretext::inline v0_1::kernels::detail {

template <>
struct avx2<bfloat16_pair> : avx2<float> {
  using operands = __m256i;
  using avx2<float>::load;
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline operands load(const bfloat16_pair* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline operands fill(bfloat16_pair v) {
    return _mm256_set1_epi32(static_cast<int>(v.bits));
  }
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline vec multiply_add(operands a, operands b,
                                                                                 vec c) {
    c = _mm256_fmadd_ps(second(a), second(b), c);
    return _mm256_fmadd_ps(first(a), first(b), c);
  }

 private:
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline vec first(operands pair) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(pair, 16));
  }
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline vec second(operands pair) {
    return _mm256_castsi256_ps(_mm256_and_si256(pair, _mm256_set1_epi32(-0x10000)));
  }
};

template <>
struct avx512<bfloat16_pair> : avx512<float> {
  using operands = __m512i;
  using avx512<float>::load;
  [[gnu::target("avx512f"), gnu::always_inline]] static inline operands load(const bfloat16_pair* p) {
    return _mm512_loadu_si512(p);
  }
  [[gnu::target("avx512f"), gnu::always_inline]] static inline operands fill(bfloat16_pair v) {
    return _mm512_set1_epi32(static_cast<int>(v.bits));
  }
  [[gnu::target("avx512f"), gnu::always_inline]] static inline vec multiply_add(operands a, operands b,
                                                                                vec c) {
    c = _mm512_fmadd_ps(second(a), second(b), c);
    return _mm512_fmadd_ps(first(a), first(b), c);
  }

 private:
  typedef std::uint32_t words __attribute__((vector_size(64)));  // g++ 12 warns of its own intrinsics
  [[gnu::target("avx512f"), gnu::always_inline]] static inline vec first(operands pair) {
    return reinterpret_cast<vec>(reinterpret_cast<words>(pair) << 16);
  }
  [[gnu::target("avx512f"), gnu::always_inline]] static inline vec second(operands pair) {
    return reinterpret_cast<vec>(reinterpret_cast<words>(pair) & ~0xffffu);
  }
};

/// The same with vdpbf16ps.
struct avx512_bf16 : avx512<bfloat16_pair> {
  [[gnu::target("avx512f,avx512bf16"), gnu::always_inline]] static inline vec multiply_add(operands a,
                                                                                           operands b,
                                                                                           vec c) {
#if defined(__clang__) && __clang_major__ == 16  // crashes where the intrinsic's operand is a broadcast
    asm("vdpbf16ps %2, %1, %0" : "+v"(c) : "v"(a), "v"(b));
    return c;
#else
    return _mm512_dpbf16_ps(c, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
#endif
  }
};

}  // namespace pretext::inline v0_1::kernels::detail
