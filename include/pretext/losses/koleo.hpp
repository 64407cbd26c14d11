// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/losses/detail/expects_rows.hpp>
#include <pretext/losses/detail/largest.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/detail/unit_rows.hpp>
#include <pretext/losses/loss_batch.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// One row of a view: the logarithm of its distance from its nearest neighbour, and the gradient of that with
/// respect to the row.
template <class T, class W>
struct koleo_row {
  std::size_t images, columns;
  double epsilon, factor;  ///< `factor` of the logarithm in the loss
  const T* u;
  const W* products;
  std::uint32_t* nearest;
  double *slope, *parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const W* const from = products + row * images;
    const double apart = epsilon;
    // A cosine is at least -1.
    const std::size_t found =
        largest_of(team, images, [&](std::size_t i) { return i == row ? -2. : double(from[i]); });
    const T *const own = u + row * columns, *const other = u + found * columns;
    const auto difference = [&](std::size_t c) { return double(own[c]) - double(other[c]) + apart; };
    const double distance =
        std::sqrt(team.sum(columns, [&](std::size_t c) { return difference(c) * difference(c); }));
    const double scale = -factor / (distance * (distance + apart));
    double* const to = slope + row * columns;
    team.each(columns, [&](std::size_t c) {
      to[c] = scale * difference(c);
      if (c == 0) {
        nearest[row] = static_cast<std::uint32_t>(found);
        parts[row] = -factor * std::log(distance + apart);
      }
    });
  }
};

/// The gradient with respect to a row, also as the neighbour of others.
template <class T>
struct gather_koleo_slopes {
  std::size_t images, columns;
  const std::uint32_t* nearest;
  const double* slope;
  double* sums;
  T* du;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const double* const own = slope + row * columns;
    double* const sum = sums + row * columns;
    T* const to = du + row * columns;
    team.each(columns, [&](std::size_t c) { sum[c] = own[c]; });
    for (std::size_t i = 0; i < images; ++i)
      if (nearest[i] == row) {
        const double* const other = slope + i * columns;
        team.each(columns, [&](std::size_t c) { sum[c] -= other[c]; });
      }
    team.each(columns, [&](std::size_t c) { to[c] = static_cast<T>(sum[c]); });
  }
};

}  // namespace detail

/// The Kozachenko-Leonenko regulariser (Sablayrolles et al. 2019, eq. 4; DINOv2): minus the mean logarithm of
/// the distance of a unit row from the nearest other row of its view, the sum over the first views. Both
/// rows have gradients.
struct koleo {
  static constexpr bool compares_with_target = false;
  std::size_t views = 2;  ///< the first views of an image, which are spread
  double epsilon = 1e-8;  ///< positive; added to every difference and to the distance

  friend bool operator==(const koleo&, const koleo&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(views > 0, "koleo: views 0 leave nothing to spread");
    expects(epsilon > 0 && detail::is_finite(epsilon), "koleo: epsilon ", epsilon,
            " must be positive and finite");
  }

  /// Returns the loss of batch.p (views·n, D) and adds its gradient to batch.dp. Throws std::invalid_argument
  /// for a single image.
  template <class Context, Shape S, Shape Embedding>
  typename Context::loss_value operator()(Context& context,
                                          const loss_batch<Context, S, Embedding>& batch) const {
    using T = typename Context::activation;
    using W = typename Context::weight;
    using kernels::op;
    constexpr std::size_t d = S::size;
    const std::size_t n = batch.images, spread = batch.views < views ? batch.views : views, rows = n * spread;
    detail::expects_rows("koleo", batch);
    expects(n > 1, "koleo: the row of a single image has no neighbour; take a larger batch");
    const detail::loss_operations at{context};
    const detail::unit_rows<Context> u{context, rows, d, batch.p.data};
    W* const products = at.weights(n * n);
    auto* const nearest = at.template allocate<std::uint32_t>(n);
    double *const slope = at.doubles(n * d), *const sums = at.doubles(n * d), *const parts = at.doubles(rows);
    T* const du = at.activations(rows * d);
    for (std::size_t view = 0; view < spread; ++view) {
      const T* const own = u.row(view * n);
      at.product(op::none, op::transposed, n, n, d, own, own, products);
      at.for_each_row(n, detail::koleo_row<T, W>{n, d, epsilon, 1 / double(n), own, products, nearest, slope,
                                                 parts + view * n});
      at.for_each_row(n, detail::gather_koleo_slopes<T>{n, d, nearest, slope, sums, du + view * n * d});
    }
    u.add_gradient(context, 1, du, batch.dp.data);
    return at.sum(rows, parts);
  }
};

}  // namespace pretext::inline v0_1
