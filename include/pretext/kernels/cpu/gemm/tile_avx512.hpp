// SPDX-License-Identifier: MIT
#pragma once
#include <immintrin.h>

#include <cstddef>
#include <utility>

#include <pretext/kernels/cpu/gemm/tile_product.hpp>
#include <pretext/kernels/cpu/gemm/tile_shape.hpp>
#include <pretext/kernels/cpu/simd/prefetch.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// The AVX-512 instructions of one element type.
template <class T>
struct avx512;

template <>
struct avx512<float> {
  using vec = __m512;
  using operands = vec;
  using mask = __mmask16;
  [[gnu::target("avx512f"), gnu::always_inline]] static inline vec load(const float* p) {
    return _mm512_loadu_ps(p);
  }
  [[gnu::target("avx512f"), gnu::always_inline]] static inline vec load(mask m, const float* p) {
    return _mm512_maskz_loadu_ps(m, p);
  }
  [[gnu::target("avx512f"), gnu::always_inline]] static inline void store(float* p, mask m, vec v) {
    _mm512_mask_storeu_ps(p, m, v);
  }
  [[gnu::target("avx512f"), gnu::always_inline]] static inline vec zero() { return _mm512_setzero_ps(); }
  [[gnu::target("avx512f"), gnu::always_inline]] static inline vec fill(float v) { return _mm512_set1_ps(v); }
  [[gnu::target("avx512f"), gnu::always_inline]] static inline vec add(vec a, vec b) {
    return _mm512_add_ps(a, b);
  }
  [[gnu::target("avx512f"), gnu::always_inline]] static inline vec multiply_add(vec a, vec b, vec c) {
    return _mm512_fmadd_ps(a, b, c);
  }
};

template <>
struct avx512<double> {
  using vec = __m512d;
  using operands = vec;
  using mask = __mmask8;
  [[gnu::target("avx512f"), gnu::always_inline]] static inline vec load(const double* p) {
    return _mm512_loadu_pd(p);
  }
  [[gnu::target("avx512f"), gnu::always_inline]] static inline vec load(mask m, const double* p) {
    return _mm512_maskz_loadu_pd(m, p);
  }
  [[gnu::target("avx512f"), gnu::always_inline]] static inline void store(double* p, mask m, vec v) {
    _mm512_mask_storeu_pd(p, m, v);
  }
  [[gnu::target("avx512f"), gnu::always_inline]] static inline vec zero() { return _mm512_setzero_pd(); }
  [[gnu::target("avx512f"), gnu::always_inline]] static inline vec fill(double v) {
    return _mm512_set1_pd(v);
  }
  [[gnu::target("avx512f"), gnu::always_inline]] static inline vec add(vec a, vec b) {
    return _mm512_add_pd(a, b);
  }
  [[gnu::target("avx512f"), gnu::always_inline]] static inline vec multiply_add(vec a, vec b, vec c) {
    return _mm512_fmadd_pd(a, b, c);
  }
};

/// 24 accumulators in registers, twelve rows of two vectors each; each element of the left operand is loaded
/// once for two multiply-adds. BF16 instructions are used through `avx512_bf16` alone, although the target
/// attributes would allow the compiler to use them everywhere.
template <class Operand, class Simd = avx512<Operand>>
struct avx512_tile {
  using value_type = sum_of<Operand>;
  using vec = typename Simd::vec;
  using operands = typename Simd::operands;
  using mask = typename Simd::mask;
  static constexpr std::size_t lanes = 64 / sizeof(Operand);
  static constexpr std::size_t rows = shape_of_tile<Operand>(isa::avx512).rows;
  static constexpr std::size_t columns = shape_of_tile<Operand>(isa::avx512).columns;

  static void run(const gathered_product<Operand>& p) {
    if (p.n <= lanes) return p.m > rows / 2 ? one_register_strip<rows>(p) : one_register_strip<rows / 2>(p);
    p.m > rows / 2 ? strip<rows>(p) : strip<rows / 2>(p);
  }

  static void run(const outer_product<Operand>& p) {
    [&]<std::size_t... R>(std::index_sequence<R...>) {
      using version = void (*)(const outer_product<Operand>&);
      static constexpr version versions[] = {strip<R + 1>...};
      versions[p.m - 1](p);
    }
    (std::make_index_sequence<rows>{});
  }

 private:
  template <std::size_t R>
  [[gnu::target("avx512f,avx512bf16")]] static void strip(const gathered_product<Operand>& p) {
    vec left[R], right[R];
#pragma GCC unroll 12
    for (std::size_t r = 0; r < R; ++r) left[r] = right[r] = Simd::zero();
    for (std::size_t r = 0; r < p.m && r < R; ++r) prefetch_result(p.c[r]);
    for (std::size_t tap = 0; tap < p.taps; ++tap) {
      const Operand* a[R];
#pragma GCC unroll 12
      for (std::size_t r = 0; r < R; ++r) a[r] = p.a[tap * rows + r];
      const Operand* b = p.b[tap];
      for (std::size_t k = 0; k < p.depth; ++k, b += columns) {
        prefetch(b, columns);
        const operands b0 = Simd::load(b), b1 = Simd::load(b + lanes);
#pragma GCC unroll 12
        for (std::size_t r = 0; r < R; ++r) {
          const operands value = Simd::fill(a[r][k]);
          left[r] = Simd::multiply_add(value, b0, left[r]);
          right[r] = Simd::multiply_add(value, b1, right[r]);
        }
      }
    }
    const mask first = columns_of(p.n), second = columns_of(p.n > lanes ? p.n - lanes : 0);
#pragma GCC unroll 12
    for (std::size_t r = 0; r < R; ++r)
      if (r < p.m) store(p.c[r], first, second, left[r], right[r], p.accumulate);
    _mm256_zeroupper();  // g++ does so itself only from -O2 on
  }

  /// The same for a result no wider than one register.
  template <std::size_t R>
  [[gnu::target("avx512f,avx512bf16")]] static void one_register_strip(const gathered_product<Operand>& p) {
    vec sums[R];
#pragma GCC unroll 12
    for (std::size_t r = 0; r < R; ++r) sums[r] = Simd::zero();
    for (std::size_t tap = 0; tap < p.taps; ++tap) {
      const Operand* a[R];
#pragma GCC unroll 12
      for (std::size_t r = 0; r < R; ++r) a[r] = p.a[tap * rows + r];
      const Operand* b = p.b[tap];
      for (std::size_t k = 0; k < p.depth; ++k, b += columns) {
        prefetch(b, lanes);
        const operands right = Simd::load(b);
#pragma GCC unroll 12
        for (std::size_t r = 0; r < R; ++r) sums[r] = Simd::multiply_add(Simd::fill(a[r][k]), right, sums[r]);
      }
    }
    const mask used = columns_of(p.n);
#pragma GCC unroll 12
    for (std::size_t r = 0; r < R; ++r)
      if (r < p.m) store(p.c[r], used, 0, sums[r], sums[r], p.accumulate);
    _mm256_zeroupper();
  }

  template <std::size_t R>
  [[gnu::target("avx512f,avx512bf16")]] static void strip(const outer_product<Operand>& p) {
    vec left[R], right[R];
#pragma GCC unroll 12
    for (std::size_t r = 0; r < R; ++r) left[r] = right[r] = Simd::zero();
    for (std::size_t r = 0; r < R; ++r) prefetch_result(p.c + r * p.c_stride);
    const Operand* b = p.b;
    for (std::size_t i = 0; i < p.count; ++i, b += p.b_stride) {
      const Operand* a = p.a[i] + p.offset;
      const operands b0 = Simd::load(b), b1 = Simd::load(b + lanes);
#pragma GCC unroll 12
      for (std::size_t r = 0; r < R; ++r) {
        const operands value = Simd::fill(a[r]);
        left[r] = Simd::multiply_add(value, b0, left[r]);
        right[r] = Simd::multiply_add(value, b1, right[r]);
      }
    }
    const mask first = columns_of(p.n), second = columns_of(p.n > lanes ? p.n - lanes : 0);
#pragma GCC unroll 12
    for (std::size_t r = 0; r < R; ++r)
      store(p.c + r * p.c_stride, first, second, left[r], right[r], p.accumulate);
    _mm256_zeroupper();  // g++ does so itself only from -O2 on
  }

  /// Prefetches a row of the result, which is far from the others in memory, before the sums are complete.
  static void prefetch_result(const value_type* c) {
    prefetch_line_to_write(c);
    prefetch_line_to_write(c + lanes);
  }

  /// The first n lanes.
  static mask columns_of(std::size_t n) {
    return static_cast<mask>(n < lanes ? (1u << n) - 1 : (1u << (lanes - 1) << 1) - 1);
  }

  [[gnu::target("avx512f"), gnu::always_inline]] static inline void store(value_type* c, mask first,
                                                                          mask second, vec left, vec right,
                                                                          bool accumulate) {
    if (accumulate) {
      left = Simd::add(Simd::load(first, c), left);
      right = Simd::add(Simd::load(second, c + lanes), right);
    }
    Simd::store(c, first, left);
    Simd::store(c + lanes, second, right);
  }
};

}  // namespace pretext::inline v0_1::kernels::detail
