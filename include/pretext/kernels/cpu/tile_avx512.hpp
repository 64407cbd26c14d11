#pragma once
#include <immintrin.h>

#include <cstddef>
#include <utility>

#include <pretext/kernels/cpu/tile_product.hpp>
#include <pretext/kernels/cpu/tile_shape.hpp>

namespace pretext::kernels::detail {

/// A register of one number type; what the AVX-512 tiles are written in.
template <class T>
struct avx512;

template <>
struct avx512<float> {
  using vec = __m512;
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

/// 24 sums in registers; each number of the left operand is loaded once for two multiply-adds.
template <class T>
struct avx512_tile {
  using simd = avx512<T>;
  using vec = typename simd::vec;
  using mask = typename simd::mask;
  static constexpr std::size_t lanes = 64 / sizeof(T);
  static constexpr std::size_t rows = shape_of_tile<T>(isa::avx512).rows;
  static constexpr std::size_t columns = shape_of_tile<T>(isa::avx512).columns;

  static void run(const gathered_product<T>& p) { p.m > rows / 2 ? strip<rows>(p) : strip<rows / 2>(p); }

  static void run(const outer_product<T>& p) {
    [&]<std::size_t... R>(std::index_sequence<R...>) {
      using version = void (*)(const outer_product<T>&);
      static constexpr version versions[] = {strip<R + 1>...};
      versions[p.m - 1](p);
    }
    (std::make_index_sequence<rows>{});
  }

 private:
  template <std::size_t R>
  [[gnu::target("avx512f")]] static void strip(const gathered_product<T>& p) {
    vec left[R], right[R];
#pragma GCC unroll 12
    for (std::size_t r = 0; r < R; ++r) left[r] = right[r] = simd::fill(T{0});
    for (std::size_t r = 0; r < p.m && r < R; ++r) ask(p.c[r]);
    for (std::size_t tap = 0; tap < p.taps; ++tap) {
      const T* a[R];
#pragma GCC unroll 12
      for (std::size_t r = 0; r < R; ++r) a[r] = p.a[tap * rows + r];
      const T* b = p.b[tap];
      for (std::size_t k = 0; k < p.depth; ++k, b += columns) {
        const vec b0 = simd::load(b), b1 = simd::load(b + lanes);
#pragma GCC unroll 12
        for (std::size_t r = 0; r < R; ++r) {
          const vec value = simd::fill(a[r][k]);
          left[r] = simd::multiply_add(value, b0, left[r]);
          right[r] = simd::multiply_add(value, b1, right[r]);
        }
      }
    }
    const mask first = columns_of(p.n), second = columns_of(p.n > lanes ? p.n - lanes : 0);
#pragma GCC unroll 12
    for (std::size_t r = 0; r < R; ++r)
      if (r < p.m) store(p.c[r], first, second, left[r], right[r], p.accumulate);
  }

  template <std::size_t R>
  [[gnu::target("avx512f")]] static void strip(const outer_product<T>& p) {
    vec left[R], right[R];
#pragma GCC unroll 12
    for (std::size_t r = 0; r < R; ++r) left[r] = right[r] = simd::fill(T{0});
    for (std::size_t r = 0; r < R; ++r) ask(p.c + r * p.c_stride);
    const T* b = p.b;
    for (std::size_t i = 0; i < p.count; ++i, b += p.b_stride) {
      const T* a = p.a[i] + p.offset;
      const vec b0 = simd::load(b), b1 = simd::load(b + lanes);
#pragma GCC unroll 12
      for (std::size_t r = 0; r < R; ++r) {
        const vec value = simd::fill(a[r]);
        left[r] = simd::multiply_add(value, b0, left[r]);
        right[r] = simd::multiply_add(value, b1, right[r]);
      }
    }
    const mask first = columns_of(p.n), second = columns_of(p.n > lanes ? p.n - lanes : 0);
#pragma GCC unroll 12
    for (std::size_t r = 0; r < R; ++r)
      store(p.c + r * p.c_stride, first, second, left[r], right[r], p.accumulate);
  }

  /// Results lie far apart in memory: asked for early, they are there when the sums are.
  static void ask(const T* c) {
    __builtin_prefetch(c, 1);
    __builtin_prefetch(c + lanes, 1);
  }

  /// The first n lanes.
  static mask columns_of(std::size_t n) {
    return static_cast<mask>(n < lanes ? (1u << n) - 1 : (1u << (lanes - 1) << 1) - 1);
  }

  [[gnu::target("avx512f"), gnu::always_inline]] static inline void store(T* c, mask first, mask second,
                                                                          vec left, vec right,
                                                                          bool accumulate) {
    if (accumulate) {
      left = simd::add(simd::load(first, c), left);
      right = simd::add(simd::load(second, c + lanes), right);
    }
    simd::store(c, first, left);
    simd::store(c + lanes, second, right);
  }
};

}  // namespace pretext::kernels::detail
