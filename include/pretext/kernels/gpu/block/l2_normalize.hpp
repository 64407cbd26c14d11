// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/bfloat16.hpp>
#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/l2_normalize.hpp>

// L2 normalization of rows, one block of threads per row.
namespace pretext::inline v0_1::grid {

inline constexpr unsigned row_threads = 128;

/// Σ term(column) over a row in double, returned to all threads.
template <class Block, class Term>
PRETEXT_HOST_DEVICE double sum_of_row(Block& block, double (&memory)[row_threads], std::size_t columns,
                                      const Term& term) {
  return sum_of_threads(block, memory, [&](unsigned thread) {
    double sum = 0;
    for (std::size_t c = thread; c < columns; c += row_threads) sum += term(c);
    return sum;
  });
}

/// Like sum_of_row, N columns per call: Σ term(first of N columns).
template <unsigned N, class Block, class Term>
PRETEXT_HOST_DEVICE double sum_of_row_vec(Block& block, double (&memory)[row_threads], std::size_t columns,
                                          const Term& term) {
  return sum_of_threads(block, memory, [&](unsigned thread) {
    double sum = 0;
    for (std::size_t c = thread * N; c < columns; c += row_threads * N) sum += term(c);
    return sum;
  });
}

/// The factor 1/‖z‖ that normalizes a row, or the clamp `longest_inverse` for rows near zero.
template <class Block, class T>
PRETEXT_HOST_DEVICE double inverse_length(Block& block, double (&memory)[row_threads], std::size_t columns,
                                          const T* z) {
  const double squares = sum_of_row(block, memory, columns, [&](std::size_t c) {
    return static_cast<double>(z[c]) * static_cast<double>(z[c]);
  });
  return squares <= 1e-12 ? kernels::detail::max_inverse_norm : 1 / std::sqrt(squares);  // NaN stays NaN
}

/// Backward pass of the normalization: dz += (du - (u·du)·u)·factor, or dz += du·factor where the factor
/// was clamped. `u(c)` and `du(c)` return elements of the row.
template <class Block, class R, class U, class Slope, class T>
PRETEXT_HOST_DEVICE void add_row_gradient(Block& block, double (&memory)[row_threads], std::size_t columns,
                                          R factor, const U& u, const Slope& du, T* dz) {
  const double along = sum_of_row(block, memory, columns, [&](std::size_t c) {
    return static_cast<double>(u(c)) * static_cast<double>(du(c));
  });
  const R radial = kernels::detail::is_clamped(factor) ? R{0} : static_cast<R>(along);
  block.for_each_thread([&](unsigned thread) {
    for (std::size_t c = thread; c < columns; c += row_threads)
      dz[c] = static_cast<T>(static_cast<R>(dz[c]) + (du(c) - radial * u(c)) * factor);
  });
}

/// unit = z·inverse, row by row. Rows of `unit` have stride `step` and are padded with zeros.
template <class T, class U = arithmetic<T>>
struct normalise_rows {
  static constexpr unsigned threads = row_threads;
  struct shared {
    double of[row_threads];
  };
  using R = arithmetic<T>;
  std::size_t columns, stride;
  const T* z;
  U* unit;
  R* inverse;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    const std::size_t row = block.index();
    const double factor = inverse_length(block, block.shared().of, columns, z + row * columns);
    block.for_each_thread([&](unsigned thread) {
      for (std::size_t c = thread; c < stride; c += row_threads)
        unit[row * stride + c] =
            c < columns ? static_cast<U>(static_cast<double>(z[row * columns + c]) * factor) : U{};
      if (thread == 0) inverse[row] = static_cast<R>(factor);
    });
  }
};

}  // namespace pretext::inline v0_1::grid
