// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/core/host_device.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/detail/scheduled_value.hpp>

// The algorithm of Sinkhorn & Knopp (Cuturi 2013; Caron et al. 2020, §3.1): columns (prototypes) and rows
// (samples) of a positive matrix are divided by their sums in turn, rows last. The matrix stays as it is
// until the end; what changes is a factor for each row and column. A row of zeros takes no part.
namespace pretext::inline v0_1::detail {

/// The largest score of a row, minus infinity for one that is left out.
template <class T>
struct largest_score {
  std::size_t columns;
  const T* scores;
  const std::uint8_t* used;  ///< of each row; null: all are
  double* largest;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const T* const from = scores + row * columns;
    const bool counts = !used || used[row];
    const double top = team.maximum(counts ? columns : 0, [&](std::size_t c) { return double(from[c]); });
    team.each(1, [&](std::size_t) { largest[row] = top; });
  }
};

/// The largest of several values, in one row.
struct largest_of_values {
  std::size_t count;
  const double* values;
  double* largest;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t, const Team& team) const {
    const double top = team.maximum(count, [&](std::size_t i) { return values[i]; });
    team.each(1, [&](std::size_t) { *largest = top; });
  }
};

/// e^{score/epsilon} of a row up to a common factor, which is chosen to use the range of float; 0 for a row
/// that is left out.
template <class T, class W>
struct exponentiate_scores {
  std::size_t columns;
  scheduled_value epsilon;
  const T* scores;
  const std::uint8_t* used;
  const double* largest;
  W* q;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const T* const from = scores + row * columns;
    W* const to = q + row * columns;
    const bool counts = !used || used[row];
    const double inverse = 1 / double(epsilon), top = *largest;
    team.each(columns, [&](std::size_t c) {
      to[c] = static_cast<W>(counts ? std::exp((double(from[c]) - top) * inverse + 64) : 0.);
    });
  }
};

/// 1/sum; 0 where there is nothing to divide. NaN stays NaN.
PRETEXT_HOST_DEVICE inline double inverse_of_sum(double sum) { return sum <= 0 ? 0 : 1 / sum; }

/// The factor of a column. Rows' factors are 1 before the first step.
template <class W>
struct column_factor {
  std::size_t rows, columns;
  const W* q;
  const double* of_rows;  ///< null: 1
  double* of_columns;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t column, const Team& team) const {
    const W* const from = q + column;
    const double* const factors = of_rows;
    const std::size_t step = columns;
    const double sum =
        team.sum(rows, [&](std::size_t r) { return double(from[r * step]) * (factors ? factors[r] : 1); });
    team.each(1, [&](std::size_t) { of_columns[column] = inverse_of_sum(sum); });
  }
};

/// The factor of a row; after the last step q is multiplied by all factors.
template <class W>
struct row_factor {
  std::size_t columns;
  bool last;
  W* q;
  const double* of_columns;
  double* of_rows;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    W* const own = q + row * columns;
    const double* const factors = of_columns;
    const double by =
        inverse_of_sum(team.sum(columns, [&](std::size_t c) { return double(own[c]) * factors[c]; }));
    if (last)
      team.each(columns, [&](std::size_t c) { own[c] = static_cast<W>(double(own[c]) * factors[c] * by); });
    else
      team.each(1, [&](std::size_t) { of_rows[row] = by; });
  }
};

/// Makes the rows of q (rows, columns), not negative, sum to 1 after `iterations` steps, 1 or more.
template <class Context>
void balance_rows(const loss_operations<Context>& at, std::size_t rows, std::size_t columns,
                  std::size_t iterations, typename Context::weight* q) {
  using W = typename Context::weight;
  double *const of_columns = at.doubles(columns), *const of_rows = at.doubles(rows);
  for (std::size_t i = 0; i < iterations; ++i) {
    at.for_each_row(columns, column_factor<W>{rows, columns, q, i > 0 ? of_rows : nullptr, of_columns});
    at.for_each_row(rows, row_factor<W>{columns, i + 1 == iterations, q, of_columns, of_rows});
  }
}

/// Codes q (rows, columns) of scores: e^{score/epsilon} with balanced rows; zeros for rows that are left out.
template <class Context>
void sinkhorn(const loss_operations<Context>& at, std::size_t rows, std::size_t columns,
              const scheduled_value& epsilon, std::size_t iterations,
              const typename Context::activation* scores, const std::uint8_t* used,
              typename Context::weight* q) {
  using T = typename Context::activation;
  using W = typename Context::weight;
  double *const largest = at.doubles(rows), *const top = at.doubles(1);
  at.for_each_row(rows, largest_score<T>{columns, scores, used, largest});
  at.for_each_row(1, largest_of_values{rows, largest, top});
  at.for_each_row(rows, exponentiate_scores<T, W>{columns, epsilon, scores, used, top, q});
  balance_rows(at, rows, columns, iterations, q);
}

}  // namespace pretext::inline v0_1::detail
