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

/// How a batch is standardised: (x - mean)/√(variance + 1e-5) with the biased variance, as batch norm does,
/// or (x - mean)/(deviation + 1e-5) with the unbiased one.
enum class standardisation { biased, unbiased };

namespace detail {

/// One column of one view, standardised. `row` counts the columns of both views.
template <class T>
struct standardise_column {
  std::size_t images, columns;
  bool biased;
  const T* z;
  T* standard;
  double *inverse, *radial;  ///< factors of the gradient

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const view_column<const T> from{z, images, columns, row};
    const view_column<T> to{standard, images, columns, row};
    const auto count = double(images);
    const double mean = team.sum(images, [&](std::size_t i) { return double(from[i]); }) / count;
    const double squares = team.sum(images, [&](std::size_t i) {
      const double x = double(from[i]) - mean;
      return x * x;
    });
    const double deviation = std::sqrt(biased ? squares / count + 1e-5 : squares / (count - 1));
    const double by = 1 / (biased ? deviation : deviation + 1e-5);
    // A column that does not vary has no gradient towards its length.
    const double along = biased ? by / count : deviation > 0 ? 1 / (deviation * (count - 1)) : 0;
    team.each(images, [&](std::size_t i) {
      to[i] = static_cast<T>((double(from[i]) - mean) * by);
      if (i == 0) {
        inverse[row] = by;
        radial[row] = along;
      }
    });
  }
};

/// The gradient of `standardise_column`, added to dz.
template <class T>
struct add_standardised_gradient {
  std::size_t images, columns;
  const T *standard, *slope;
  const double *inverse, *radial;
  T* dz;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const view_column<const T> x{standard, images, columns, row}, dx{slope, images, columns, row};
    const view_column<T> to{dz, images, columns, row};
    const double mean = team.sum(images, [&](std::size_t i) { return double(dx[i]); }) / double(images);
    const double along = team.sum(images, [&](std::size_t i) { return double(dx[i]) * double(x[i]); });
    const double by = inverse[row], back = radial[row] * along;
    team.each(images, [&](std::size_t i) {
      to[i] = static_cast<T>(double(to[i]) + by * (double(dx[i]) - mean) - back * double(x[i]));
    });
  }
};

/// One row of the cross-correlation matrix: its part of the loss and its gradient.
template <class T, class W>
struct compare_with_identity {
  std::size_t images, columns;
  double lambda, weight;
  const W* products;
  T* slope;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const W* const from = products + row * columns;
    T* const to = slope + row * columns;
    const double scale = 1 / double(images), off = lambda;
    const double sum = team.sum(columns, [&](std::size_t c) {
      const double x = double(from[c]) * scale - (c == row ? 1 : 0);
      return (c == row ? 1 : off) * x * x;
    });
    const double factor = 2 * weight * scale;
    team.each(columns, [&](std::size_t c) {
      const double x = double(from[c]) * scale - (c == row ? 1 : 0);
      to[c] = static_cast<T>(factor * (c == row ? 1 : off) * x);
      if (c == 0) parts[row] = weight * sum;
    });
  }
};

}  // namespace detail

/// Barlow Twins (Zbontar et al. 2021, eq. 1): the squared distance of the cross-correlation matrix of the two
/// views' embeddings, standardised over the batch, from the identity; `lambda` weighs what is off the
/// diagonal. Throws std::invalid_argument for an odd number of rows and for the two of a single image.
struct barlow_twins_loss {
  static constexpr std::string_view collapse_advice =
      "The dimensions have become copies of one another. Try a larger lambda, a smaller learning rate or a "
      "longer warm-up, and a larger batch.";
  double lambda = 0.0051;
  double weight = 1;  ///< solo-learn's code has 0.1 for CIFAR, the official one 0.025
  standardisation standard = standardisation::biased;

  friend bool operator==(const barlow_twins_loss&, const barlow_twins_loss&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(lambda >= 0 && detail::is_finite(lambda), "barlow_twins_loss: lambda ", lambda,
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
    const std::size_t n = detail::images_of_two_views("barlow_twins_loss", z.batch);
    const detail::loss_operations at{context};
    T* const standard_z = at.activations(2 * n * d);
    T* const of_standard = at.activations(2 * n * d);
    W* const products = at.weights(d * d);
    T* const slope = at.activations(d * d);
    double* const inverse = at.doubles(2 * d);
    double* const radial = at.doubles(2 * d);
    double* const parts = at.doubles(d);

    at.for_each_row(2 * d, detail::standardise_column<T>{n, d, standard == standardisation::biased, z.data,
                                                         standard_z, inverse, radial});
    const T *const first = standard_z, *const second = standard_z + n * d;
    at.product(op::transposed, op::none, d, d, n, first, second, products);
    at.for_each_row(d, detail::compare_with_identity<T, W>{n, d, lambda, weight, products, slope, parts});
    at.product(op::none, op::transposed, n, d, d, second, slope, of_standard);
    at.product(op::none, op::none, n, d, d, first, slope, of_standard + n * d);
    at.for_each_row(
        2 * d, detail::add_standardised_gradient<T>{n, d, standard_z, of_standard, inverse, radial, dz.data});
    return at.sum(d, parts);
  }
};

}  // namespace pretext::inline v0_1
