#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>

#include <pretext/kernels/cpu/isa.hpp>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

// The innermost loops of every matrix product and convolution. Both tiles gather the rows of their left
// operand through pointers, so a convolution needs no copy of its input: a row is a pixel, and padding is a
// pointer to zeros.
namespace pretext::kernels {

/// Columns of a tile: two 32-byte registers.
template <class T>
inline constexpr std::size_t panel_width = 64 / sizeof(T);
/// Rows of a tile.
inline constexpr std::size_t tile_rows = 6;

/// c[r][0..n) (+)= Σ_tap Σ_k a[tap·6 + r][k] · b[tap][k·panel + 0..n) for r < m: a tile of y = x·W over
/// gathered rows.
template <class T>
struct gathered_product {
  const T* const* a;
  const T* const* b;
  std::size_t taps, depth;
  T* const* c;
  std::size_t m, n;
  bool accumulate;
};

/// c[r][0..n) (+)= Σ_p a[p][r] · b[p·b_stride + 0..n) for r < m: a tile of dW = xᵀ·dy over gathered rows.
template <class T>
struct outer_product {
  const T* const* a;
  std::size_t offset;  ///< added to every a[p]
  const T* b;          ///< a whole panel may be read of each of its rows
  std::size_t b_stride, count;
  T* c;
  std::size_t c_stride, m, n;
  bool accumulate;
};

namespace detail {

template <class T>
void store_tile(const T (&sum)[tile_rows][panel_width<T>], T* const* c, std::size_t m, std::size_t n,
                bool accumulate) {
  for (std::size_t r = 0; r < m; ++r)
    for (std::size_t j = 0; j < n; ++j) c[r][j] = accumulate ? c[r][j] + sum[r][j] : sum[r][j];
}

/// Any processor: vectors of 16 bytes by the compiler's own extension.
template <class T>
struct portable_tile {
  static constexpr std::size_t lanes = 16 / sizeof(T);
  typedef T vec __attribute__((vector_size(16)));
  typedef T unaligned __attribute__((vector_size(16), aligned(alignof(T)), may_alias));

  static void run(const gathered_product<T>& p) {
    T sum[tile_rows][panel_width<T>];
    for (std::size_t column = 0; column < panel_width<T>; column += 2 * lanes) {
      vec left[tile_rows]{}, right[tile_rows]{};
      for (std::size_t tap = 0; tap < p.taps; ++tap) {
        const T* const* a = p.a + tap * tile_rows;
        const T* b = p.b[tap] + column;
        for (std::size_t k = 0; k < p.depth; ++k, b += panel_width<T>) {
          const vec b0 = *reinterpret_cast<const unaligned*>(b);
          const vec b1 = *reinterpret_cast<const unaligned*>(b + lanes);
#pragma GCC unroll 6
          for (std::size_t r = 0; r < tile_rows; ++r) {
            left[r] += a[r][k] * b0;
            right[r] += a[r][k] * b1;
          }
        }
      }
      for (std::size_t r = 0; r < tile_rows; ++r) {
        *reinterpret_cast<unaligned*>(&sum[r][column]) = left[r];
        *reinterpret_cast<unaligned*>(&sum[r][column + lanes]) = right[r];
      }
    }
    store_tile<T>(sum, p.c, p.m, p.n, p.accumulate);
  }

  static void run(const outer_product<T>& p) {
    T sum[tile_rows][panel_width<T>]{};
    for (std::size_t i = 0; i < p.count; ++i) {
      const T* a = p.a[i] + p.offset;
      const T* b = p.b + i * p.b_stride;
      for (std::size_t r = 0; r < p.m; ++r)
        for (std::size_t j = 0; j < panel_width<T>; ++j) sum[r][j] += a[r] * b[j];
    }
    T* rows[tile_rows];
    for (std::size_t r = 0; r < p.m; ++r) rows[r] = p.c + r * p.c_stride;
    store_tile<T>(sum, rows, p.m, p.n, p.accumulate);
  }
};

#if defined(__x86_64__)
/// Two registers' worth of one number type; what the AVX2 tiles are written in.
template <class T>
struct avx2;

template <>
struct avx2<float> {
  using vec = __m256;
  static constexpr std::size_t lanes = 8;
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline vec load(const float* p) {
    return _mm256_loadu_ps(p);
  }
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline void store(float* p, vec v) {
    _mm256_storeu_ps(p, v);
  }
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
  static constexpr std::size_t lanes = 4;
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline vec load(const double* p) {
    return _mm256_loadu_pd(p);
  }
  [[gnu::target("avx2,fma"), gnu::always_inline]] static inline void store(double* p, vec v) {
    _mm256_storeu_pd(p, v);
  }
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

template <class T>
struct avx2_tile {
  using simd = avx2<T>;
  using vec = typename simd::vec;
  static constexpr std::size_t lanes = simd::lanes;

  [[gnu::target("avx2,fma")]] static void run(const gathered_product<T>& p) {
    vec left[tile_rows], right[tile_rows];
#pragma GCC unroll 6
    for (std::size_t r = 0; r < tile_rows; ++r) left[r] = right[r] = simd::fill(T{0});
    for (std::size_t tap = 0; tap < p.taps; ++tap) {
      const T* const* rows = p.a + tap * tile_rows;
      const T *a0 = rows[0], *a1 = rows[1], *a2 = rows[2], *a3 = rows[3], *a4 = rows[4], *a5 = rows[5];
      const T* b = p.b[tap];
      for (std::size_t k = 0; k < p.depth; ++k, b += panel_width<T>) {
        const vec b0 = simd::load(b), b1 = simd::load(b + lanes);
        const T a[tile_rows] = {a0[k], a1[k], a2[k], a3[k], a4[k], a5[k]};
#pragma GCC unroll 6
        for (std::size_t r = 0; r < tile_rows; ++r) {
          const vec value = simd::fill(a[r]);
          left[r] = simd::multiply_add(value, b0, left[r]);
          right[r] = simd::multiply_add(value, b1, right[r]);
        }
      }
    }
    if (p.m == tile_rows && p.n == panel_width<T>) {
#pragma GCC unroll 6
      for (std::size_t r = 0; r < tile_rows; ++r) {
        T* c = p.c[r];
        simd::store(c, p.accumulate ? simd::add(simd::load(c), left[r]) : left[r]);
        simd::store(c + lanes, p.accumulate ? simd::add(simd::load(c + lanes), right[r]) : right[r]);
      }
    } else {
      T sum[tile_rows][panel_width<T>];
#pragma GCC unroll 6
      for (std::size_t r = 0; r < tile_rows; ++r) {
        simd::store(sum[r], left[r]);
        simd::store(sum[r] + lanes, right[r]);
      }
      store_tile<T>(sum, p.c, p.m, p.n, p.accumulate);
    }
  }

  template <std::size_t R>
  [[gnu::target("avx2,fma")]] static void rows(const outer_product<T>& p) {
    vec left[R], right[R];
#pragma GCC unroll 6
    for (std::size_t r = 0; r < R; ++r) left[r] = right[r] = simd::fill(T{0});
    for (std::size_t i = 0; i < p.count; ++i) {
      const T* a = p.a[i] + p.offset;
      const T* b = p.b + i * p.b_stride;
      const vec b0 = simd::load(b), b1 = simd::load(b + lanes);
#pragma GCC unroll 6
      for (std::size_t r = 0; r < R; ++r) {
        const vec value = simd::fill(a[r]);
        left[r] = simd::multiply_add(value, b0, left[r]);
        right[r] = simd::multiply_add(value, b1, right[r]);
      }
    }
    T* c[tile_rows];
#pragma GCC unroll 6
    for (std::size_t r = 0; r < R; ++r) c[r] = p.c + r * p.c_stride;
    if (p.n == panel_width<T>) {
#pragma GCC unroll 6
      for (std::size_t r = 0; r < R; ++r) {
        simd::store(c[r], p.accumulate ? simd::add(simd::load(c[r]), left[r]) : left[r]);
        simd::store(c[r] + lanes, p.accumulate ? simd::add(simd::load(c[r] + lanes), right[r]) : right[r]);
      }
      return;
    }
    T sum[tile_rows][panel_width<T>];
#pragma GCC unroll 6
    for (std::size_t r = 0; r < R; ++r) {
      simd::store(sum[r], left[r]);
      simd::store(sum[r] + lanes, right[r]);
    }
    store_tile<T>(sum, c, R, p.n, p.accumulate);
  }

  static void run(const outer_product<T>& p) {
    using version = void (*)(const outer_product<T>&);
    static constexpr version versions[] = {rows<1>, rows<2>, rows<3>, rows<4>, rows<5>, rows<6>};
    versions[p.m - 1](p);
  }
};
#endif

}  // namespace detail

/// Computes a tile with the best instructions at hand.
template <class T>
void run_tile(const gathered_product<T>& product) {
#if defined(__x86_64__)
  if (best_isa() == isa::avx2) return detail::avx2_tile<T>::run(product);
#endif
  detail::portable_tile<T>::run(product);
}

template <class T>
void run_tile(const outer_product<T>& product) {
#if defined(__x86_64__)
  if (best_isa() == isa::avx2) return detail::avx2_tile<T>::run(product);
#endif
  detail::portable_tile<T>::run(product);
}

/// Copies a k×n matrix, row-major or transposed, into panels of `panel_width` columns, the last filled up
/// with zeros: panel j holds columns [j·width, …) as k rows of `width` numbers.
template <class T>
void pack_panels(const T* b, std::size_t k, std::size_t n, std::size_t row_step, std::size_t column_step,
                 T* packed, std::size_t first_panel, std::size_t last_panel, std::size_t panel_step) {
  for (std::size_t panel = first_panel; panel < last_panel; ++panel) {
    const std::size_t first = panel * panel_width<T>, width = std::min(panel_width<T>, n - first);
    T* to = packed + panel * panel_step;
    const T* from = b + first * column_step;
    if (column_step == 1 && width == panel_width<T>) {
      for (std::size_t row = 0; row < k; ++row, to += panel_width<T>, from += row_step)
        std::memcpy(to, from, 64);
      continue;
    }
    for (std::size_t row = 0; row < k; ++row, to += panel_width<T>, from += row_step) {
      for (std::size_t j = 0; j < width; ++j) to[j] = from[j * column_step];
      for (std::size_t j = width; j < panel_width<T>; ++j) to[j] = T{0};
    }
  }
}

template <class T>
constexpr std::size_t panels(std::size_t columns) {
  return (columns + panel_width<T> - 1) / panel_width<T>;
}

}  // namespace pretext::kernels
