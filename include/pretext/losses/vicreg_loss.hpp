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

/// One column of one view: its hinge 1 - √(variance + 1e-4), if positive, and the centred values. `row`
/// counts the columns of both views.
template <class T>
struct center_column {
  std::size_t images, columns;
  double factor;  ///< of the hinge in the loss
  const T* z;
  T* centered;
  double *hinge, *slope;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const view_column<const T> from{z, images, columns, row};
    const view_column<T> to{centered, images, columns, row};
    const double mean = team.sum(images, [&](std::size_t i) { return double(from[i]); }) / double(images);
    const double squares = team.sum(images, [&](std::size_t i) {
      const double x = double(from[i]) - mean;
      return x * x;
    });
    const double deviation = std::sqrt(squares / double(images - 1) + 1e-4);
    const bool below = deviation < 1;
    team.each(images, [&](std::size_t i) { to[i] = static_cast<T>(double(from[i]) - mean); });
    team.each(1, [&](std::size_t) {
      hinge[row] = below ? factor * (1 - deviation) : 0;
      slope[row] = below ? -factor / (double(images - 1) * deviation) : 0;
    });
  }
};

/// One row of a covariance matrix: the sum of the squares off its diagonal, and their gradient.
template <class T, class W>
struct penalise_covariance {
  std::size_t images, columns;
  double factor;  ///< of the sum of squares in the loss
  const W* products;
  T* slope;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const W* const from = products + row * columns;
    T* const to = slope + row * columns;
    const double scale = 1 / double(images - 1);
    const double squares = team.sum(columns, [&](std::size_t c) {
      const double x = c == row ? 0 : double(from[c]) * scale;
      return x * x;
    });
    team.each(columns, [&](std::size_t c) {
      to[c] = static_cast<T>(c == row ? 0 : 4 * factor * scale * double(from[c]) * scale);
      if (c == 0) parts[row] = factor * squares;
    });
  }
};

/// One embedding: its distance from that of the other view, and the gradient of all terms.
template <class T>
struct add_vicreg_gradient {
  std::size_t images, columns;
  double factor;  ///< of the squared distance in the loss
  const T *z, *centered, *of_covariance;
  const double* slope;
  double* parts;
  T* dz;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const bool second = row >= images;
    const T *const own = z + row * columns, *const other =
                                                z + (second ? row - images : row + images) * columns;
    const T *const from = centered + row * columns, *const more = of_covariance + row * columns;
    const double* const hinge = slope + (second ? columns : 0);
    T* const to = dz + row * columns;
    const double squares = team.sum(columns, [&](std::size_t c) {
      const double x = double(own[c]) - double(other[c]);
      return x * x;
    });
    team.each(columns, [&](std::size_t c) {
      to[c] = static_cast<T>(double(to[c]) + 2 * factor * (double(own[c]) - double(other[c])) +
                             hinge[c] * double(from[c]) + double(more[c]));
      if (c == 0) parts[row] = second ? 0 : factor * squares;
    });
  }
};

}  // namespace detail

/// Variance, invariance and covariance (Bardes et al. 2022, eq. 6): the mean squared difference of the two
/// views' embeddings; for each view the mean hinge of the deviation of every variable below 1; and the
/// squared covariances of all pairs of variables, divided by D. Throws std::invalid_argument for an odd
/// number of rows and for the two of a single image.
struct vicreg_loss {
  static constexpr std::string_view collapse_advice =
      "The variance term should prevent this. Try larger weights of variance and covariance, a "
      "smaller learning rate or a longer warm-up, and a larger batch.";
  double invariance = 25;
  double variance = 25;  ///< of the mean of both views' hinges: solo-learn's code adds them, which is 50 here
  double covariance = 1;

  friend bool operator==(const vicreg_loss&, const vicreg_loss&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    for (const double weight : {invariance, variance, covariance})
      expects(weight >= 0 && detail::is_finite(weight), "vicreg_loss: the weight ", weight,
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
    const std::size_t n = detail::images_of_two_views("vicreg_loss", z.batch);
    const detail::loss_operations at{context};
    T* const centered = at.activations(2 * n * d);
    T* const of_covariance = at.activations(2 * n * d);
    W* const products = at.weights(d * d);
    T* const slope = at.activations(d * d);
    double* const hinge_slope = at.doubles(2 * d);
    // Parts of the loss: a hinge for each variable of each view, covariances likewise, a distance per row.
    double* const parts = at.doubles(4 * d + 2 * n);

    at.for_each_row(2 * d, detail::center_column<T>{n, d, variance / (2 * double(d)), z.data, centered, parts,
                                                    hinge_slope});
    for (std::size_t view = 0; view < 2; ++view) {
      const T* const own = centered + view * n * d;
      at.product(op::transposed, op::none, d, d, n, own, own, products);
      at.for_each_row(d, detail::penalise_covariance<T, W>{n, d, covariance / double(d), products, slope,
                                                           parts + (2 + view) * d});
      at.product(op::none, op::none, n, d, d, own, slope, of_covariance + view * n * d);
    }
    at.for_each_row(
        2 * n, detail::add_vicreg_gradient<T>{n, d, invariance / (double(n) * double(d)), z.data, centered,
                                              of_covariance, hinge_slope, parts + 4 * d, dz.data});
    return at.sum(4 * d + 2 * n, parts);
  }
};

}  // namespace pretext::inline v0_1
