// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/kernels/for_each_row.hpp>
#include <pretext/kernels/gemm.hpp>
#include <pretext/losses/detail/expects_two_views.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// One column of one view with unit length, or all zeros. `row` counts the columns of both views.
template <class T>
struct make_unit_column {
  std::size_t images, columns;
  const T* z;
  T* unit;
  double* inverse;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const std::size_t first = row / columns * images * columns + row % columns, step = columns;
    const T* const from = z + first;
    T* const to = unit + first;
    const double squares =
        team.sum(images, [&](std::size_t i) { return double(from[i * step]) * double(from[i * step]); });
    const double length = std::sqrt(squares), by = 1 / (length > 1e-12 ? length : 1e-12);
    team.each(images, [&](std::size_t i) {
      to[i * step] = static_cast<T>(double(from[i * step]) * by);
      if (i == 0) inverse[row] = by;
    });
  }
};

/// Σ of the squares of one row of the products.
template <class W>
struct square_row {
  std::size_t columns;
  const W* products;
  double* sums;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const W* const from = products + row * columns;
    const double sum = team.sum(columns, [&](std::size_t c) { return double(from[c]) * double(from[c]); });
    team.each(1, [&](std::size_t) { sums[row] = sum; });
  }
};

/// One row of the gradient of log Σ products²; row 0 has the view's part of the loss.
template <class T, class W>
struct log_norm_row {
  std::size_t columns;
  const W* products;
  const double* sums;
  T* slope;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const W* const from = products + row * columns;
    T* const to = slope + row * columns;
    const double* const squares = sums;
    const double total = team.sum(columns, [&](std::size_t c) { return squares[c]; });
    const double value = std::log(total / (double(columns) * double(columns)));
    team.each(columns, [&](std::size_t c) {
      to[c] = static_cast<T>(4 * double(from[c]) / total);
      if (c == 0) parts[row] = row == 0 ? value : 0;
    });
  }
};

/// One column of one view: its squared distance from the mean of the views, and the gradient of all terms.
template <class T>
struct add_frossl_gradient {
  std::size_t images, columns;
  double invariance;
  const T *unit, *of_norm;
  const double* inverse;
  double* parts;
  T* dz;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const std::size_t size = images * columns, step = columns;
    const std::size_t first = row / columns * size + row % columns;
    const T *const x = unit + first, *const more = of_norm + first;
    const T* const other = unit + (row < columns ? first + size : first - size);
    T* const to = dz + first;
    // Two views and a mean over n·D elements, times D: 2·D/(n·D) of the squares.
    const double factor = 2 * invariance / double(images);
    const auto apart = [&](std::size_t i) { return (double(x[i * step]) - double(other[i * step])) / 2; };
    const auto slope = [&](std::size_t i) { return double(more[i * step]) + 2 * factor * apart(i); };
    const double squares = team.sum(images, [&](std::size_t i) { return apart(i) * apart(i); });
    const double along = team.sum(images, [&](std::size_t i) { return slope(i) * double(x[i * step]); });
    const double by = inverse[row];
    team.each(images, [&](std::size_t i) {
      to[i * step] = static_cast<T>(double(to[i * step]) + by * (slope(i) - along * double(x[i * step])));
      if (i == 0) parts[row] = factor * squares;
    });
  }
};

}  // namespace detail

/// FroSSL (Skean et al. 2024): the logarithm of the squared Frobenius norm of each view's covariance, whose
/// trace is 1, which is smallest where all variables count alike; and the squared distance of the views from
/// their mean. Every variable has unit length over the batch. Throws std::invalid_argument for an odd number
/// of rows and for the two of a single image.
struct frossl_loss {
  double invariance = 1;

  friend bool operator==(const frossl_loss&, const frossl_loss&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(invariance >= 0 && detail::is_finite(invariance), "frossl_loss: invariance ", invariance,
            " must be finite and not negative");
  }

  /// Returns the loss of z (2n, D) and adds its gradient to dz.
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context& context, reads<Context, S> z,
                                          writes<Context, S> dz) const {
    using T = typename Context::activation;
    using W = typename Context::weight;
    using device = typename Context::device;
    using each = kernels::for_each_row<device>;
    using kernels::op;
    constexpr std::size_t d = S::size;
    constexpr auto overwrite = kernels::write_mode::overwrite;
    const std::size_t n = detail::images_of_two_views("frossl_loss", z.batch);
    const arena_scope guard{context.workspace};
    T* const unit = context.workspace.template allocate<T>(2 * n * d);
    T* const of_norm = context.workspace.template allocate<T>(2 * n * d);
    W* const products = context.workspace.template allocate<W>(d * d);
    T* const slope = context.workspace.template allocate<T>(d * d);
    double* const inverse = context.workspace.template allocate<double>(2 * d);
    double* const sums = context.workspace.template allocate<double>(d);
    double* const parts = context.workspace.template allocate<double>(4 * d);
    each::run(context, 2 * d, detail::make_unit_column<T>{n, d, z.data, unit, inverse});
    for (std::size_t view = 0; view < 2; ++view) {
      const T* const own = unit + view * n * d;
      kernels::gemm<device>::run(context, op::transposed, op::none, d, d, n, own, own, products, overwrite);
      each::run(context, d, detail::square_row<W>{d, products, sums});
      each::run(context, d, detail::log_norm_row<T, W>{d, products, sums, slope, parts + view * d});
      kernels::gemm<device>::run(context, op::none, op::none, n, d, d, own, static_cast<const T*>(slope),
                                 of_norm + view * n * d, overwrite);
    }
    each::run(
        context, 2 * d,
        detail::add_frossl_gradient<T>{n, d, invariance, unit, of_norm, inverse, parts + 2 * d, dz.data});
    return kernels::sum_of_parts<device>::run(context, 4 * d, 1, parts);
  }
};

}  // namespace pretext::inline v0_1
