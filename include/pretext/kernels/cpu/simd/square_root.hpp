// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/kernels/cpu/simd/isa.hpp>
#if defined(__x86_64__)
#include <immintrin.h>
#else
#include <Eigen/Core>
#endif

// Compilers do not vectorise std::sqrt in a loop, because it may set errno; so the instruction is called
// directly.
namespace pretext::inline v0_1::kernels::detail {

#if defined(__x86_64__)
[[gnu::target("avx2")]] inline std::size_t roots_avx2(std::size_t count, float* x) {
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) _mm256_storeu_ps(x + i, _mm256_sqrt_ps(_mm256_loadu_ps(x + i)));
  _mm256_zeroupper();
  return i;
}
[[gnu::target("avx2")]] inline std::size_t roots_avx2(std::size_t count, double* x) {
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) _mm256_storeu_pd(x + i, _mm256_sqrt_pd(_mm256_loadu_pd(x + i)));
  _mm256_zeroupper();
  return i;
}
inline std::size_t roots_sse2(std::size_t count, float* x) {
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) _mm_storeu_ps(x + i, _mm_sqrt_ps(_mm_loadu_ps(x + i)));
  return i;
}
inline std::size_t roots_sse2(std::size_t count, double* x) {
  std::size_t i = 0;
  for (; i + 2 <= count; i += 2) _mm_storeu_pd(x + i, _mm_sqrt_pd(_mm_loadu_pd(x + i)));
  return i;
}
[[gnu::target("avx512f")]] inline std::size_t roots_avx512(std::size_t count, float* x) {
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16)
    _mm512_storeu_ps(x + i, _mm512_maskz_sqrt_ps(0xFFFF, _mm512_loadu_ps(x + i)));
  _mm256_zeroupper();
  return i;
}
[[gnu::target("avx512f")]] inline std::size_t roots_avx512(std::size_t count, double* x) {
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) _mm512_storeu_pd(x + i, _mm512_maskz_sqrt_pd(0xFF, _mm512_loadu_pd(x + i)));
  _mm256_zeroupper();
  return i;
}
#endif

/// x[i] = √x[i], correctly rounded, so the same on every instruction set.
template <class T>
void square_roots(std::size_t count, T* x) {
#if defined(__x86_64__)
  std::size_t done = 0;
  if (best_isa() >= isa::avx512) done = roots_avx512(count, x);
  if (best_isa() == isa::avx2) done = roots_avx2(count, x);
  if (best_isa() == isa::portable) done = roots_sse2(count, x);
  for (; done < count; ++done) x[done] = std::sqrt(x[done]);
#else
  Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>> values{x, static_cast<Eigen::Index>(count)};
  values = values.sqrt();
#endif
}

}  // namespace pretext::inline v0_1::kernels::detail
