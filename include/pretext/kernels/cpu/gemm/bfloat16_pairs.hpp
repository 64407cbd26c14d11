// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/kernels/cpu/gemm/operands.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#if defined(__x86_64__)
#include <pretext/kernels/cpu/gemm/bfloat16_pairs_avx512.hpp>
#endif

// Floats are rounded to bfloat16 while they are packed, in the two orders that packing needs: pairs along a
// row, and pairs of elements from two rows.
namespace pretext::inline v0_1::kernels::detail {

constexpr bfloat16_pair pair_of(float first, float second) {
  return {bfloat16{first}.bits | static_cast<std::uint32_t>(bfloat16{second}.bits) << 16};
}

/// Rounds rows of `count` floats, `step` apart, to pairs along each row; the rows of `to` are `to_step` pairs
/// apart.
inline void round_rows(const float* from, std::size_t rows, std::size_t step, std::size_t count,
                       bfloat16_pair* to, std::size_t to_step) {
#if defined(__x86_64__)
  if (best_isa() == isa::avx512_bf16) return round_rows_avx512(from, rows, step, count, to, to_step);
#endif
  vectorised([=] {
    for (std::size_t row = 0; row < rows; ++row) {
      const float* x = from + row * step;
      bfloat16_pair* pairs = to + row * to_step;
      for (std::size_t i = 0; i < count / 2; ++i) pairs[i] = pair_of(x[2 * i], x[2 * i + 1]);
      if (count % 2) pairs[count / 2] = pair_of(x[count - 1], 0);
    }
  });
}

/// Rounds `count` rows of `columns` floats to pairs from rows 2i and 2i+1; an odd last row is paired with
/// zeros. The pairs are stored in strips of `width` columns, strip s at to + s·strip_step; the input starts
/// at column `first`.
inline void round_down_rows(const float* const* rows, std::size_t count, std::size_t columns,
                            std::size_t first, std::size_t width, bfloat16_pair* to, std::size_t strip_step) {
#if defined(__x86_64__)
  if (best_isa() == isa::avx512_bf16)
    return round_down_rows_avx512(rows, count, columns, first, width, to, strip_step);
#endif
  vectorised([=] {
    for (std::size_t i = 0; i < count; i += 2) {
      const float *above = rows[i], *below = i + 1 < count ? rows[i + 1] : nullptr;
      std::size_t done = 0;
      for (std::size_t strip = first / width; done < columns; ++strip) {
        const std::size_t at = (first + done) % width, end = std::min(columns, done + width - at);
        bfloat16_pair* pairs = to + strip * strip_step + i / 2 * width + at - done;
        for (; done < end; ++done) pairs[done] = pair_of(above[done], below ? below[done] : 0);
      }
    }
  });
}

}  // namespace pretext::inline v0_1::kernels::detail
