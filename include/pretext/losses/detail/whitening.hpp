// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/l2_normalize.hpp>

// Whitening by the Cholesky factor of the covariance matrix, forward and backward, in double: the matrices
// are small and may be ill-conditioned. With centred rows c, their covariance S = L·Lᵀ and y = L⁻¹c, the
// gradient is dc = L⁻ᵀdy + (A + Aᵀ)c/(count - 1), where A = L⁻ᵀ·P·L⁻¹ and P is the lower triangle of -Σ dy·yᵀ
// with half its diagonal.
namespace pretext::inline v0_1::detail {

/// Sets of rows that are whitened together: `size` images of one view, in a given order.
struct whitening_sets {
  std::size_t images, columns, size;
  const std::uint32_t* order;  ///< of the images; null: their own

  PRETEXT_HOST_DEVICE std::size_t per_view() const { return images / size; }
  /// Element 0 of the row of a set's image.
  PRETEXT_HOST_DEVICE std::size_t row(std::size_t set, std::size_t i) const {
    const std::size_t place = set % per_view() * size + i;
    return (set / per_view() * images + (order ? order[place] : place)) * columns;
  }
};

/// Images for which a thread solves a system of equations, one after another: the rows of a set are cut into
/// such runs.
inline constexpr std::size_t solved_together = 32;
PRETEXT_HOST_DEVICE constexpr std::size_t runs_of(std::size_t size) {
  return (size + solved_together - 1) / solved_together;
}

/// The mean of one column of a set.
template <class T>
struct mean_of_set {
  whitening_sets sets;
  const T* z;
  double* means;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const whitening_sets& all = sets;
    const std::size_t set = row / all.columns, c = row % all.columns;
    const double sum = team.sum(all.size, [&](std::size_t i) { return double(z[all.row(set, i) + c]); });
    team.each(1, [&](std::size_t) { means[row] = sum / double(all.size); });
  }
};

/// One row of the covariance matrix of a set, (1 - epsilon)·covariance + epsilon·identity.
template <class T>
struct covariance_of_set {
  whitening_sets sets;
  double epsilon;
  const T* z;
  const double* means;
  double* covariance;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const whitening_sets& all = sets;
    const std::size_t d = all.columns, set = row / d, a = row % d;
    const double* const mean = means + set * d;
    const double share = (1 - epsilon) / double(all.size - 1), added = epsilon;
    team.each(d, [&](std::size_t b) {
      double sum = 0;
      for (std::size_t i = 0; i < all.size; ++i) {
        const T* const from = z + all.row(set, i);
        sum += (double(from[a]) - mean[a]) * (double(from[b]) - mean[b]);
      }
      covariance[row * d + b] = share * sum + (a == b ? added : 0);
    });
  }
};

/// The Cholesky factor of a matrix, one row of work for each: the lower triangle below the diagonal, in
/// place, and the diagonal by itself. Pivots are at least 1e-12.
struct cholesky {
  std::size_t columns;
  double *matrices, *diagonals;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t set, const Team& team) const {
    const std::size_t d = columns;
    double *const l = matrices + set * d * d, *const diagonal = diagonals + set * d;
    for (std::size_t j = 0; j < d; ++j) {
      team.each(d - j, [&](std::size_t below) {
        const std::size_t i = j + below;
        double sum = l[i * d + j];
        for (std::size_t k = 0; k < j; ++k) sum -= l[i * d + k] * l[j * d + k];
        l[i * d + j] = sum;
      });
      const double pivot = l[j * d + j], root = std::sqrt(pivot <= 1e-12 ? 1e-12 : pivot);
      team.each(d - j, [&](std::size_t below) {
        const std::size_t i = j + below;
        if (below == 0)
          diagonal[j] = root;
        else
          l[i * d + j] /= root;
      });
    }
  }
};

/// y = L⁻¹c of a run of images, and the factors 1/‖y‖.
template <class T>
struct whiten_images {
  whitening_sets sets;
  const T* z;
  const double *means, *matrices, *diagonals;
  double *y, *inverse;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const whitening_sets& all = sets;
    const std::size_t d = all.columns, runs = runs_of(all.size), set = row / runs;
    const std::size_t first = row % runs * solved_together;
    const double *const mean = means + set * d, *const l = matrices + set * d * d,
                        *const diagonal = diagonals + set * d;
    const std::size_t count = all.size - first < solved_together ? all.size - first : solved_together;
    team.each(count, [&](std::size_t i) {
      const std::size_t at = all.row(set, first + i);
      const T* const from = z + at;
      double* const to = y + at;
      double squares = 0;
      for (std::size_t a = 0; a < d; ++a) {
        double sum = double(from[a]) - mean[a];
        for (std::size_t b = 0; b < a; ++b) sum -= l[a * d + b] * to[b];
        to[a] = sum / diagonal[a];
        squares += to[a] * to[a];
      }
      inverse[at / d] = kernels::detail::inverse_norm(squares);
    });
  }
};

/// One row of P.
struct triangle_of_set {
  whitening_sets sets;
  const double *y, *dy;
  double* triangles;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const whitening_sets& all = sets;
    const std::size_t d = all.columns, set = row / d, a = row % d;
    team.each(d, [&](std::size_t b) {
      double sum = 0;
      for (std::size_t i = 0; b <= a && i < all.size; ++i) {
        const std::size_t at = all.row(set, i);
        sum -= dy[at + a] * y[at + b];
      }
      triangles[row * d + b] = a == b ? sum / 2 : sum;
    });
  }
};

/// A = L⁻ᵀ·P·L⁻¹ in place of P, one row of work for each set.
struct divide_triangle {
  std::size_t columns;
  const double *matrices, *diagonals;
  double* triangles;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t set, const Team& team) const {
    const std::size_t d = columns;
    const double *const l = matrices + set * d * d, *const diagonal = diagonals + set * d;
    double* const p = triangles + set * d * d;
    team.each(d, [&](std::size_t c) {
      for (std::size_t a = d; a-- > 0;) {
        double sum = p[a * d + c];
        for (std::size_t b = a + 1; b < d; ++b) sum -= l[b * d + a] * p[b * d + c];
        p[a * d + c] = sum / diagonal[a];
      }
    });
    team.each(d, [&](std::size_t a) {
      for (std::size_t b = d; b-- > 0;) {
        double sum = p[a * d + b];
        for (std::size_t k = b + 1; k < d; ++k) sum -= p[a * d + k] * l[k * d + b];
        p[a * d + b] = sum / diagonal[b];
      }
    });
  }
};

/// dc of a run of images in place of dy.
template <class T>
struct unwhiten_images {
  whitening_sets sets;
  double epsilon;
  const T* z;
  const double *means, *matrices, *diagonals, *triangles;
  double* dy;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const whitening_sets& all = sets;
    const std::size_t d = all.columns, runs = runs_of(all.size), set = row / runs;
    const std::size_t first = row % runs * solved_together;
    const double *const mean = means + set * d, *const l = matrices + set * d * d,
                        *const diagonal = diagonals + set * d, *const a_matrix = triangles + set * d * d;
    const std::size_t count = all.size - first < solved_together ? all.size - first : solved_together;
    const double share = (1 - epsilon) / double(all.size - 1);
    team.each(count, [&](std::size_t i) {
      const std::size_t at = all.row(set, first + i);
      const T* const from = z + at;
      double* const to = dy + at;
      for (std::size_t a = d; a-- > 0;) {
        double sum = to[a];
        for (std::size_t b = a + 1; b < d; ++b) sum -= l[b * d + a] * to[b];
        to[a] = sum / diagonal[a];
      }
      for (std::size_t a = 0; a < d; ++a) {
        double sum = 0;
        for (std::size_t b = 0; b < d; ++b)
          sum += (a_matrix[a * d + b] + a_matrix[b * d + a]) * (double(from[b]) - mean[b]);
        to[a] += share * sum;
      }
    });
  }
};

/// Adds dc minus its mean to one column of dz.
template <class T>
struct add_centred_column {
  whitening_sets sets;
  const double* dc;
  T* dz;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const whitening_sets& all = sets;
    const std::size_t set = row / all.columns, c = row % all.columns;
    const double mean =
        team.sum(all.size, [&](std::size_t i) { return dc[all.row(set, i) + c]; }) / double(all.size);
    team.each(all.size, [&](std::size_t i) {
      const std::size_t at = all.row(set, i) + c;
      dz[at] = static_cast<T>(double(dz[at]) + dc[at] - mean);
    });
  }
};

}  // namespace pretext::inline v0_1::detail
