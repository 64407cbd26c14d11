// SPDX-License-Identifier: MIT
#pragma once
#include <immintrin.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <pretext/kernels/cpu/gemm/operands.hpp>
#include <pretext/kernels/cpu/gemm/tile_shape.hpp>
#include <pretext/kernels/cpu/simd/prefetch.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// The first n of 16 lanes.
[[gnu::target("avx512f,avx512bw,avx512bf16"), gnu::always_inline]] inline __mmask16 lanes_up_to(
    std::size_t n) {
  return static_cast<__mmask16>(n < 16 ? (1u << n) - 1 : 0xffffu);
}

/// 32 rounded values, those of `low` in the lower half.
[[gnu::target("avx512f,avx512bw,avx512bf16"), gnu::always_inline]] inline __m512i rounded(__m512 low,
                                                                                          __m512 high) {
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
}

[[gnu::target("avx512f,avx512bw,avx512bf16")]] inline void round_rows_avx512(
    const float* from, std::size_t rows, std::size_t step, std::size_t count, bfloat16_pair* to,
    std::size_t to_step) {
  for (std::size_t row = 0; row < rows; ++row) {
    const float* x = from + row * step;
    bfloat16_pair* pairs = to + row * to_step;
    std::size_t i = 0;
    for (; i + 32 <= count; i += 32)
      _mm512_storeu_si512(pairs + i / 2, rounded(_mm512_loadu_ps(x + i), _mm512_loadu_ps(x + i + 16)));
    if (i == count) continue;
    const std::size_t left = count - i;
    const __m512 low = _mm512_maskz_loadu_ps(lanes_up_to(left), x + i);
    const __m512 high = _mm512_maskz_loadu_ps(lanes_up_to(left > 16 ? left - 16 : 0), x + i + 16);
    _mm512_mask_storeu_epi32(pairs + i / 2, lanes_up_to((left + 1) / 2), rounded(low, high));
  }
  _mm256_zeroupper();
}

/// The permutation that interleaves two rounded rows into pairs.
[[gnu::target("avx512f,avx512bw,avx512bf16"), gnu::always_inline]] inline __m512i order_of_pairs() {
  alignas(64) constexpr std::uint16_t positions[32] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                                       21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                                       11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return _mm512_load_si512(positions);
}

template <std::size_t Width>
[[gnu::target("avx512f,avx512bw,avx512bf16")]] void round_down_strips_avx512(
    const float* const* rows, std::size_t count, std::size_t columns, std::size_t first, bfloat16_pair* to,
    std::size_t strip_step) {
  const __m512i order = order_of_pairs();
  for (std::size_t i = 0; i < count; i += 2) {
    const bool odd = i + 1 == count;
    const float *above = rows[i], *below = rows[odd ? i : i + 1];
    const float *ahead = rows[std::min(i + prefetch_distance, count - 1)],
                *behind = rows[std::min(i + prefetch_distance + 1, count - 1)];
    bfloat16_pair* line = to + first / Width * strip_step + i / 2 * Width;
    std::size_t at = first % Width;
    for (std::size_t done = 0; done < columns;) {
      prefetch_line(ahead + done);
      prefetch_line(behind + done);
      const std::size_t step = std::min({columns - done, Width - at, std::size_t{16}});
      const __mmask16 lanes = lanes_up_to(step);
      const __m512 upper = _mm512_maskz_loadu_ps(lanes, above + done);
      const __m512 lower = _mm512_maskz_loadu_ps(odd ? __mmask16{0} : lanes, below + done);
      _mm512_mask_storeu_epi32(line + at, lanes, _mm512_permutexvar_epi16(order, rounded(upper, lower)));
      done += step;
      at += step;
      if (at < Width) continue;
      at = 0;
      line += strip_step;
    }
  }
  _mm256_zeroupper();
}

inline void round_down_rows_avx512(const float* const* rows, std::size_t count, std::size_t columns,
                                   std::size_t first, std::size_t width, bfloat16_pair* to,
                                   std::size_t strip_step) {
  constexpr tile_shape shape = shape_of_tile<bfloat16_pair>(isa::avx512_bf16);
  if (width == shape.rows)
    round_down_strips_avx512<shape.rows>(rows, count, columns, first, to, strip_step);
  else
    round_down_strips_avx512<shape.columns>(rows, count, columns, first, to, strip_step);
}

}  // namespace pretext::inline v0_1::kernels::detail
