// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/losses/collapse_advice.hpp>
#include <pretext/losses/detail/expects_two_views.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/detail/unit_rows.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// The cosine of an image's two views, divided by sigma.
template <class T>
struct pair_cosine {
  std::size_t images, columns;
  double sigma;
  const T* u;
  double* scaled;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const T *const a = u + row * columns, *const b = u + (row + images) * columns;
    const double cosine = team.sum(columns, [&](std::size_t c) { return double(a[c]) * double(b[c]); });
    team.each(1, [&](std::size_t) { scaled[row] = cosine / sigma; });
  }
};

/// One anchor: its log-sum-exp over the negatives minus its weighted similarity to the other view, and the
/// gradient with respect to the products of unit rows.
template <class T, class W>
struct decoupled_row {
  std::size_t images;
  double temperature;
  const double* scaled;  ///< of each image, for its weight; null: weight 1
  const W* products;
  T* slope;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const std::size_t rows = 2 * images, n = images, image = row % n;
    const std::size_t positive = (row + n) % rows;
    const W* const from = products + row * rows;
    T* const to = slope + row * rows;
    double weight = 1;
    if (scaled) {
      const double* const of = scaled;
      const double top = team.maximum(n, [&](std::size_t i) { return of[i]; });
      const double sum = team.sum(n, [&](std::size_t i) { return std::exp(of[i] - top); });
      weight = 2 - double(n) * std::exp(of[image] - top) / sum;
    }
    const double inverse = 1 / temperature;
    const auto is_negative = [&](std::size_t c) { return c % n != image; };
    // Unit rows have products of at most 1, up to rounding.
    const auto term = [&](std::size_t c) {
      return is_negative(c) ? std::exp((double(from[c]) - 1) * inverse) : 0.;
    };
    const double sum = team.sum(rows, term);
    const double scale = inverse / double(rows);
    const double value = std::log(sum) + inverse - weight * double(from[positive]) * inverse;
    team.each(rows, [&](std::size_t c) {
      to[c] = static_cast<T>(scale * (c == positive ? -weight : term(c) / sum));
      if (c == 0) parts[row] = value;
    });
  }
};

}  // namespace detail

/// The decoupled contrastive loss (Yeh et al. 2022, eq. 6), the mean over the 2n rows of z: NT-Xent whose sum
/// has no positive pair. With `sigma` > 0 the similarity of each pair is weighted by 2 - n·softmax(cos/sigma)
/// over the images of the batch, without gradient (DCLW, eq. 7). Throws std::invalid_argument for an odd
/// number of rows and for the two of a single image.
struct decoupled_contrastive {
  static constexpr std::string_view collapse_advice = detail::advice_with_negatives;
  double temperature = 0.1;  ///< positive
  double sigma = 0;          ///< 0.5 in the paper's DCLW; 0: DCL

  friend bool operator==(const decoupled_contrastive&, const decoupled_contrastive&) = default;

  /// The loss of embeddings that are all alike (losses/collapse_advice.hpp).
  double chance(std::size_t images, std::size_t) const { return std::log(2 * double(images) - 2); }
  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(temperature > 0 && detail::is_finite(temperature), "decoupled_contrastive: temperature ",
            temperature, " must be positive and finite");
    expects(sigma >= 0 && detail::is_finite(sigma), "decoupled_contrastive: sigma ", sigma,
            " must be finite and not negative");
  }

  /// Returns the loss of z (2n, D) and adds its gradient to dz; stores two matrices of (2n, 2n).
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context& context, reads<Context, S> z,
                                          writes<Context, S> dz) const {
    using T = typename Context::activation;
    using W = typename Context::weight;
    using kernels::op;
    using kernels::write_mode;
    constexpr std::size_t d = S::size;
    const std::size_t n = detail::images_of_two_views("decoupled_contrastive", z.batch), rows = 2 * n;
    const detail::loss_operations at{context};
    const detail::unit_rows<Context> u{context, rows, d, z.data};
    W* const products = at.weights(rows * rows);
    T* const slope = at.activations(rows * rows);
    T* const du = at.activations(rows * d);
    double* const scaled = sigma > 0 ? at.doubles(n) : nullptr;
    double* const parts = at.doubles(rows);

    if (scaled) at.for_each_row(n, detail::pair_cosine<T>{n, d, sigma, u.data(), scaled});
    at.product(op::none, op::transposed, rows, rows, d, u.data(), u.data(), products);
    at.for_each_row(rows, detail::decoupled_row<T, W>{n, temperature, scaled, products, slope, parts});
    at.product(op::none, op::none, rows, d, rows, slope, u.data(), du);
    at.product(op::transposed, op::none, rows, d, rows, slope, u.data(), du, write_mode::accumulate);
    u.add_gradient(context, 1, du, dz.data);
    return at.sum(rows, parts, 1 / double(rows));
  }
};

}  // namespace pretext::inline v0_1
