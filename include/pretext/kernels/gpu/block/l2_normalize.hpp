#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/bfloat16.hpp>
#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/l2_normalize.hpp>

// Rows of length one, a block of threads for each.
namespace pretext::grid {

inline constexpr unsigned row_threads = 128;

/// Σ term(column) over a row, in double, told to all threads.
template <class Block, class Term>
PRETEXT_HOST_DEVICE double sum_of_row(Block& block, double (&memory)[row_threads], std::size_t columns,
                                      const Term& term) {
  return sum_of_threads(block, memory, [&](unsigned thread) {
    double own = 0;
    for (std::size_t c = thread; c < columns; c += row_threads) own += term(c);
    return own;
  });
}

/// The same of N columns at a time: Σ term(first of them).
template <unsigned N, class Block, class Term>
PRETEXT_HOST_DEVICE double sum_of_lanes(Block& block, double (&memory)[row_threads], std::size_t columns,
                                        const Term& term) {
  return sum_of_threads(block, memory, [&](unsigned thread) {
    double own = 0;
    for (std::size_t c = thread * N; c < columns; c += row_threads * N) own += term(c);
    return own;
  });
}

/// The factor that gives a row length one.
template <class Block, class T>
PRETEXT_HOST_DEVICE double inverse_length(Block& block, double (&memory)[row_threads], std::size_t columns,
                                          const T* z) {
  const double squares = sum_of_row(block, memory, columns, [&](std::size_t c) {
    return static_cast<double>(z[c]) * static_cast<double>(z[c]);
  });
  return squares <= 1e-12 ? kernels::detail::max_inverse_norm : 1 / std::sqrt(squares);  // NaN stays NaN
}

/// Through the normalisation: dz += (du - (u·du)·u)·factor; where the factor was cut off, dz += du·factor.
/// `u(c)` and `du(c)` are numbers of the row.
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

/// unit = z·inverse, row by row, which begin so far apart; zeros between them.
template <class T, class U = arithmetic<T>>
struct normalise_rows {
  static constexpr unsigned threads = row_threads;
  struct shared {
    double of[row_threads];
  };
  using R = arithmetic<T>;
  std::size_t columns, step;
  const T* z;
  U* unit;
  R* inverse;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    const std::size_t row = block.index();
    const double by = inverse_length(block, block.shared().of, columns, z + row * columns);
    block.for_each_thread([&](unsigned thread) {
      for (std::size_t c = thread; c < step; c += row_threads)
        unit[row * step + c] =
            c < columns ? static_cast<U>(static_cast<double>(z[row * columns + c]) * by) : U{};
      if (thread == 0) inverse[row] = static_cast<R>(by);
    });
  }
};

}  // namespace pretext::grid
