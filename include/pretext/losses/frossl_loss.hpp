// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <string_view>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/losses/detail/expects_two_views.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/detail/view_column.hpp>

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
    const view_column<const T> from{z, images, columns, row};
    const view_column<T> to{unit, images, columns, row};
    const double squares = team.sum(images, [&](std::size_t i) { return double(from[i]) * double(from[i]); });
    const double length = std::sqrt(squares), by = 1 / (length > 1e-12 ? length : 1e-12);
    team.each(images, [&](std::size_t i) {
      to[i] = static_cast<T>(double(from[i]) * by);
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
    const view_column<const T> x{unit, images, columns, row}, more{of_norm, images, columns, row};
    const view_column<const T> other{unit, images, columns, row < columns ? row + columns : row - columns};
    const view_column<T> to{dz, images, columns, row};
    // Two views and a mean over n·D elements, times D: 2·D/(n·D) of the squares.
    const double factor = 2 * invariance / double(images);
    const auto apart = [&](std::size_t i) { return (double(x[i]) - double(other[i])) / 2; };
    const auto slope = [&](std::size_t i) { return double(more[i]) + 2 * factor * apart(i); };
    const double squares = team.sum(images, [&](std::size_t i) { return apart(i) * apart(i); });
    const double along = team.sum(images, [&](std::size_t i) { return slope(i) * double(x[i]); });
    const double by = inverse[row];
    team.each(images, [&](std::size_t i) {
      to[i] = static_cast<T>(double(to[i]) + by * (slope(i) - along * double(x[i])));
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
  static constexpr std::string_view collapse_advice =
      "The entropy term should prevent this. Try a smaller weight of the invariance, a smaller "
      "learning rate or a longer warm-up, and a larger batch.";
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
    using kernels::op;
    constexpr std::size_t d = S::size;
    const std::size_t n = detail::images_of_two_views("frossl_loss", z.batch);
    const detail::loss_operations at{context};
    T* const unit = at.activations(2 * n * d);
    T* const of_norm = at.activations(2 * n * d);
    W* const products = at.weights(d * d);
    T* const slope = at.activations(d * d);
    double* const inverse = at.doubles(2 * d);
    double* const sums = at.doubles(d);
    double* const parts = at.doubles(4 * d);
    at.for_each_row(2 * d, detail::make_unit_column<T>{n, d, z.data, unit, inverse});
    for (std::size_t view = 0; view < 2; ++view) {
      const T* const own = unit + view * n * d;
      at.product(op::transposed, op::none, d, d, n, own, own, products);
      at.for_each_row(d, detail::square_row<W>{d, products, sums});
      at.for_each_row(d, detail::log_norm_row<T, W>{d, products, sums, slope, parts + view * d});
      at.product(op::none, op::none, n, d, d, own, slope, of_norm + view * n * d);
    }
    at.for_each_row(2 * d, detail::add_frossl_gradient<T>{n, d, invariance, unit, of_norm, inverse,
                                                          parts + 2 * d, dz.data});
    return at.sum(4 * d, parts);
  }
};

}  // namespace pretext::inline v0_1
