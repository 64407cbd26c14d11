// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/nt_xent/similarity_tiles.hpp>
#include <pretext/kernels/cpu/simd/exponential.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/nt_xent.hpp>

namespace pretext::inline v0_1::kernels {

/// With E_ij = exp(s_ij - c), E_ii = 0 and r_i = 1/Σ_j E_ij the gradient is
///   ∂L/∂u_i = [Σ_j E_ij (r_i + r_j) u_j - 2 u_p(i)] / (rows·τ),
/// so a first pass over the tiles of similarities computes the row sums, and a second computes each tile
/// again for the gradient, with one exponential per pair. The shift c = 1/τ is at least any s. Where the
/// temperature is so low that a whole row could underflow, each row has its own shift, the maximum of its
/// similarities.
template <>
struct nt_xent<cpu> {
  template <class Context, class T>
  static double run(Context& context, std::size_t rows, std::size_t columns, double temperature,
                    double weight, const T* z, T* dz) {
    detail::expects_pairs(rows, temperature);
    const arena_scope guard{context.workspace};
    const tiles<T> all{context, rows, columns, temperature, z};
    const bool common = 2 / temperature < (sizeof(T) == 4 ? 80 : 600);
    T* shift = context.workspace.template allocate<T>(rows);
    double* total = context.workspace.template allocate<double>(rows);
    std::fill_n(shift, rows, common ? static_cast<T>(1 / temperature) : -pretext::detail::infinity<T>);
    std::fill_n(total, rows, 0.0);
    if (!common) all.for_each_tile(context, [=](tile<T>& t) { vectorised([&] { update_max(t, shift); }); });
    all.for_each_tile(context, [=](tile<T>& t) {
      vectorised([&] {
        common ? add_exponentials<true>(t, shift, total) : add_exponentials<false>(t, shift, total);
      });
    });

    double value = 0;
    T* inverse_total = context.workspace.template allocate<T>(rows);
    for (std::size_t row = 0; row < rows; ++row) {
      const T *u = all.unit + row * columns, *positive = all.unit + (row + rows / 2) % rows * columns;
      const double log_sum = static_cast<double>(shift[row]) + std::log(total[row]);
      value += log_sum - detail::dot(u, positive, columns) / temperature;
      inverse_total[row] = static_cast<T>(1 / total[row]);
      if (!common) shift[row] = static_cast<T>(log_sum);
    }

    T* du = context.workspace.template allocate<T>(rows * columns);
    context.stream.for_each_run(
        rows * columns, std::size_t{1} << 16,
        [=](std::size_t first, std::size_t last) { std::fill(du + first, du + last, T{0}); });
    all.for_each_tile(context, [=, &all](tile<T>& t) {
      vectorised([&] {
        common ? weight_tile<true>(t, shift, inverse_total) : weight_tile<false>(t, shift, inverse_total);
      });
      all.multiply(t, du);
    });
    const T scale = static_cast<T>(weight / (static_cast<double>(rows) * temperature));
    context.stream.for_each_run(rows, 64, [=, &all](std::size_t first, std::size_t last) {
      for (std::size_t row = first; row < last; ++row) {
        const T* positive = all.unit + (row + rows / 2) % rows * columns;
        T* slope = du + row * columns;
        for (std::size_t c = 0; c < columns; ++c) slope[c] = scale * (slope[c] - 2 * positive[c]);
        detail::add_row_gradient(all.unit + row * columns, slope, all.inverse[row], columns,
                                 dz + row * columns);
      }
    });
    return weight * value / static_cast<double>(rows);
  }

 private:
  template <class T>
  using tiles = detail::similarity_tiles<T>;
  template <class T>
  using tile = typename tiles<T>::tile;
  template <class T>
  static constexpr std::size_t side = tiles<T>::side;
  static constexpr std::size_t lanes = 16;

  /// Updates the largest similarity of each row.
  template <class T>
  static void update_max(const tile<T>& t, T* row_max) {
    for (std::size_t r = 0; r < t.rows; ++r) {
      T& largest = row_max[t.first_row + r];
      for (std::size_t c = 0; c < t.columns; ++c) {
        largest = std::max(largest, t.at[r][c]);
        if (t.mirrored) row_max[t.first_column + c] = std::max(row_max[t.first_column + c], t.at[r][c]);
      }
    }
  }

  /// Adds Σ exp(s - shift) of a tile to the total of each row.
  template <bool Common, class T>
  static void add_exponentials(const tile<T>& t, const T* shift, double* total) {
    T e[side<T>], down[side<T>]{}, column_shift[side<T>]{};
    std::copy_n(shift + t.first_column, t.columns, column_shift);
    for (std::size_t r = 0; r < t.rows; ++r) {
      const T base = shift[t.first_row + r];
      negative_exponentials<side<T>>(
          t.at[r], [=](std::size_t) { return base; }, e);
      T across[lanes]{};
      for (std::size_t c = 0; c < side<T>; c += lanes)
        for (std::size_t lane = 0; lane < lanes; ++lane) across[lane] += e[c + lane];
      double sum = 0;
      for (const T part : across) sum += static_cast<double>(part);
      total[t.first_row + r] += sum;
      if constexpr (!Common)
        negative_exponentials<side<T>>(
            t.at[r], [&](std::size_t c) { return column_shift[c]; }, e);
      for (std::size_t c = 0; c < side<T>; ++c) down[c] += e[c];
    }
    for (std::size_t c = 0; t.mirrored && c < t.columns; ++c)
      total[t.first_column + c] += static_cast<double>(down[c]);
  }

  /// Replaces similarities by E_ij (r_i + r_j).
  template <bool Common, class T>
  static void weight_tile(tile<T>& t, const T* shift, const T* inverse_total) {
    T e[side<T>], other[side<T>], column_factor[side<T>]{};
    std::copy_n((Common ? inverse_total : shift) + t.first_column, t.columns, column_factor);
    for (std::size_t r = 0; r < t.rows; ++r) {
      const T base = shift[t.first_row + r], part = inverse_total[t.first_row + r];
      negative_exponentials<side<T>>(
          t.at[r], [=](std::size_t) { return base; }, e);
      if constexpr (Common) {
        for (std::size_t c = 0; c < side<T>; ++c) t.at[r][c] = e[c] * (part + column_factor[c]);
      } else {
        negative_exponentials<side<T>>(
            t.at[r], [&](std::size_t c) { return column_factor[c]; }, other);
        for (std::size_t c = 0; c < side<T>; ++c) t.at[r][c] = e[c] + other[c];
      }
    }
  }
};

}  // namespace pretext::inline v0_1::kernels
