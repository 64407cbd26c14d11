// SPDX-License-Identifier: MIT
#pragma once
#include <immintrin.h>

#include <cstddef>

#include <pretext/kernels/cpu/gemm/tile_product.hpp>
#include <pretext/kernels/cpu/gemm/tile_shape.hpp>
#include <pretext/kernels/cpu/simd/prefetch.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// The AVX2 instructions of one element type.
template <class T>
struct avx2;

template <>
struct avx2<float> {
  using vec = __m256;
  using operands = vec;
  static constexpr std::size_t lanes = 8;
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline vec load(const float* p) {
    return _mm256_loadu_ps(p);
  }
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline void store(float* p, vec v) {
    _mm256_storeu_ps(p, v);
  }
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline vec zero() { return _mm256_setzero_ps(); }
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline vec fill(float v) {
    return _mm256_set1_ps(v);
  }
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline vec add(vec a, vec b) {
    return _mm256_add_ps(a, b);
  }
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline vec multiply_add(vec a, vec b, vec c) {
    return _mm256_fmadd_ps(a, b, c);
  }
};

template <>
struct avx2<double> {
  using vec = __m256d;
  using operands = vec;
  static constexpr std::size_t lanes = 4;
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline vec load(const double* p) {
    return _mm256_loadu_pd(p);
  }
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline void store(double* p, vec v) {
    _mm256_storeu_pd(p, v);
  }
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline vec zero() { return _mm256_setzero_pd(); }
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline vec fill(double v) {
    return _mm256_set1_pd(v);
  }
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline vec add(vec a, vec b) {
    return _mm256_add_pd(a, b);
  }
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline vec multiply_add(vec a, vec b, vec c) {
    return _mm256_fmadd_pd(a, b, c);
  }
};

/// 12 accumulators in registers: six rows of two vectors each. The upper halves of the registers are cleared
/// explicitly, because g++ does so only from -O2 on, and SSE code after them would be slow.
template <class Operand>
struct avx2_tile {
  using simd = avx2<Operand>;
  using value_type = sum_of<Operand>;
  using operands = typename simd::operands;
  using vec = typename simd::vec;
  static constexpr std::size_t lanes = simd::lanes;
  static constexpr std::size_t rows = shape_of_tile<Operand>(isa::avx2).rows;
  static constexpr std::size_t columns = shape_of_tile<Operand>(isa::avx2).columns;

  [[gnu::target("avx2,fma")]] static void run(const gathered_product<Operand>& p) {
    vec left[rows], right[rows];
#pragma GCC unroll 6
    for (std::size_t r = 0; r < rows; ++r) left[r] = right[r] = simd::zero();
    for (std::size_t r = 0; r < p.m; ++r) prefetch_line_to_write(p.c[r]);
    for (std::size_t tap = 0; tap < p.taps; ++tap) {
      const Operand* const* at = p.a + tap * rows;
      const Operand *a0 = at[0], *a1 = at[1], *a2 = at[2], *a3 = at[3], *a4 = at[4], *a5 = at[5];
      const Operand* b = p.b[tap];
      for (std::size_t k = 0; k < p.depth; ++k, b += columns) {
        prefetch(b, columns);
        const operands b0 = simd::load(b), b1 = simd::load(b + lanes);
        const Operand a[rows] = {a0[k], a1[k], a2[k], a3[k], a4[k], a5[k]};
#pragma GCC unroll 6
        for (std::size_t r = 0; r < rows; ++r) {
          const operands value = simd::fill(a[r]);
          left[r] = simd::multiply_add(value, b0, left[r]);
          right[r] = simd::multiply_add(value, b1, right[r]);
        }
      }
    }
    if (p.m == rows && p.n == columns) {
#pragma GCC unroll 6
      for (std::size_t r = 0; r < rows; ++r) {
        value_type* c = p.c[r];
        simd::store(c, p.accumulate ? simd::add(simd::load(c), left[r]) : left[r]);
        simd::store(c + lanes, p.accumulate ? simd::add(simd::load(c + lanes), right[r]) : right[r]);
      }
    } else {
      value_type sum[rows][columns];
#pragma GCC unroll 6
      for (std::size_t r = 0; r < rows; ++r) {
        simd::store(sum[r], left[r]);
        simd::store(sum[r] + lanes, right[r]);
      }
      store_tile(sum, p.c, p.m, p.n, p.accumulate);
    }
    _mm256_zeroupper();
  }

  template <std::size_t R>
  [[gnu::target("avx2,fma")]] static void strip(const outer_product<Operand>& p) {
    vec left[R], right[R];
#pragma GCC unroll 6
    for (std::size_t r = 0; r < R; ++r) left[r] = right[r] = simd::zero();
    for (std::size_t r = 0; r < R; ++r) prefetch_line_to_write(p.c + r * p.c_stride);
    for (std::size_t i = 0; i < p.count; ++i) {
      const Operand* a = p.a[i] + p.offset;
      const Operand* b = p.b + i * p.b_stride;
      const operands b0 = simd::load(b), b1 = simd::load(b + lanes);
#pragma GCC unroll 6
      for (std::size_t r = 0; r < R; ++r) {
        const operands value = simd::fill(a[r]);
        left[r] = simd::multiply_add(value, b0, left[r]);
        right[r] = simd::multiply_add(value, b1, right[r]);
      }
    }
    value_type* c[rows];
#pragma GCC unroll 6
    for (std::size_t r = 0; r < R; ++r) c[r] = p.c + r * p.c_stride;
    if (p.n == columns) {
#pragma GCC unroll 6
      for (std::size_t r = 0; r < R; ++r) {
        simd::store(c[r], p.accumulate ? simd::add(simd::load(c[r]), left[r]) : left[r]);
        simd::store(c[r] + lanes, p.accumulate ? simd::add(simd::load(c[r] + lanes), right[r]) : right[r]);
      }
    } else {
      value_type sum[rows][columns];
#pragma GCC unroll 6
      for (std::size_t r = 0; r < R; ++r) {
        simd::store(sum[r], left[r]);
        simd::store(sum[r] + lanes, right[r]);
      }
      store_tile(sum, c, R, p.n, p.accumulate);
    }
    _mm256_zeroupper();
  }

  static void run(const outer_product<Operand>& p) {
    using version = void (*)(const outer_product<Operand>&);
    static constexpr version versions[] = {strip<1>, strip<2>, strip<3>, strip<4>, strip<5>, strip<6>};
    versions[p.m - 1](p);
  }
};

}  // namespace pretext::inline v0_1::kernels::detail
