// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/cpu/gemm/operands.hpp>

// The arguments of the two register tiles, the innermost loops of every matrix product and convolution. Both
// tiles read the rows of their left operand through pointers, so a convolution needs no copy of its input: a
// row is a pixel, and padding is a pointer to zeros.
namespace pretext::inline v0_1::kernels {

/// c[r][0..n) (+)= Σ_tap Σ_k a[tap·rows + r][k] · b[tap][k·panel + 0..n) for r < m: a tile of y = x·W over
/// gathered rows. All `rows` pointers of a tap must be readable, also those from m on.
template <class Operand>
struct gathered_product {
  using operand = Operand;
  const Operand* const* a;
  const Operand* const* b;
  std::size_t taps, depth;  ///< depth in operands
  sum_of<Operand>* const* c;
  std::size_t m, n;
  bool accumulate;
};

/// c[r][0..n) (+)= Σ_p a[p][r] · b[p·b_stride + 0..n) for r < m: a tile of dW = xᵀ·dy over gathered rows.
template <class Operand>
struct outer_product {
  using operand = Operand;
  const Operand* const* a;
  std::size_t offset;  ///< added to every a[p]
  const Operand* b;    ///< a whole panel of each row must be readable
  std::size_t b_stride, count;
  sum_of<Operand>* c;
  std::size_t c_stride, m, n;
  bool accumulate;
};

namespace detail {

/// Writes the part of a tile that is inside the result.
template <std::size_t Rows, std::size_t Columns, class T>
void store_tile(const T (&sum)[Rows][Columns], T* const* c, std::size_t m, std::size_t n, bool accumulate) {
  for (std::size_t r = 0; r < m; ++r)
    for (std::size_t j = 0; j < n; ++j) c[r][j] = accumulate ? c[r][j] + sum[r][j] : sum[r][j];
}

}  // namespace detail
}  // namespace pretext::inline v0_1::kernels
