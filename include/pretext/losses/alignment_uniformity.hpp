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
#include <pretext/losses/detail/unit_rows.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// Σ over the other rows of e^{-t·distance²}, of unit rows whose products are given.
template <class W>
struct potential_row {
  std::size_t images;
  double t;
  const W* products;
  double* sums;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const W* const from = products + row * images;
    const double rate = 2 * t;
    const double sum = team.sum(
        images, [&](std::size_t c) { return c == row ? 0. : std::exp(rate * (double(from[c]) - 1)); });
    team.each(1, [&](std::size_t) { sums[row] = sum; });
  }
};

/// One row of the gradient of the logarithm of the mean potential; row 0 has the view's part of the loss.
template <class T, class W>
struct uniformity_row {
  std::size_t images;
  double t, factor;
  const W* products;
  const double* sums;
  T* slope;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const W* const from = products + row * images;
    T* const to = slope + row * images;
    const double* const potentials = sums;
    // Each pair counts twice.
    const double total = team.sum(images, [&](std::size_t i) { return potentials[i]; });
    const double rate = 2 * t, scale = 2 * factor * rate / total;
    const double value = factor * std::log(total / (double(images) * double(images - 1)));
    team.each(images, [&](std::size_t c) {
      to[c] = static_cast<T>(c == row ? 0. : scale * std::exp(rate * (double(from[c]) - 1)));
      if (c == 0) parts[row] = row == 0 ? value : 0;
    });
  }
};

/// The squared distance of two views' unit rows, and its gradient added to du.
template <class T>
struct alignment_row {
  std::size_t images, columns;
  const T* u;
  T* du;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const T *const a = u + row * columns, *const b = u + (row + images) * columns;
    T *const da = du + row * columns, *const db = du + (row + images) * columns;
    const double factor = 1 / double(images);
    const double squares = team.sum(columns, [&](std::size_t c) {
      const double x = double(a[c]) - double(b[c]);
      return x * x;
    });
    team.each(columns, [&](std::size_t c) {
      const double x = 2 * factor * (double(a[c]) - double(b[c]));
      da[c] = static_cast<T>(double(da[c]) + x);
      db[c] = static_cast<T>(double(db[c]) - x);
      if (c == 0) parts[row] = factor * squares;
    });
  }
};

}  // namespace detail

/// Alignment and uniformity (Wang & Isola 2020, §4): the mean squared distance of the views of an image, on
/// the unit sphere, plus `uniformity` times the mean over both views of log mean e^{-t·distance²} over all
/// pairs of images. Throws std::invalid_argument for an odd number of rows and for the two of a single image.
struct alignment_uniformity {
  static constexpr std::string_view collapse_advice =
      "The uniformity term should prevent this. Try a larger weight of it, a smaller learning rate "
      "or a longer warm-up, and a larger batch.";
  double t = 2;           ///< positive
  double uniformity = 1;  ///< weight of the second term

  friend bool operator==(const alignment_uniformity&, const alignment_uniformity&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(t > 0 && detail::is_finite(t), "alignment_uniformity: t ", t, " must be positive and finite");
    expects(detail::is_finite(uniformity), "alignment_uniformity: uniformity ", uniformity,
            " must be finite");
  }

  /// Returns the loss of z (2n, D) and adds its gradient to dz.
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context& context, reads<Context, S> z,
                                          writes<Context, S> dz) const {
    using T = typename Context::activation;
    using W = typename Context::weight;
    using kernels::op;
    constexpr std::size_t d = S::size;
    const std::size_t n = detail::images_of_two_views("alignment_uniformity", z.batch);
    const detail::loss_operations at{context};
    const detail::unit_rows<Context> u{context, 2 * n, d, z.data};
    W* const products = at.weights(n * n);
    T* const slope = at.activations(n * n);
    T* const du = at.activations(2 * n * d);
    double* const sums = at.doubles(n);
    double* const parts = at.doubles(3 * n);
    for (std::size_t view = 0; view < 2; ++view) {
      const T* const own = u.row(view * n);
      at.product(op::none, op::transposed, n, n, d, own, own, products);
      at.for_each_row(n, detail::potential_row<W>{n, t, products, sums});
      at.for_each_row(
          n, detail::uniformity_row<T, W>{n, t, uniformity / 2, products, sums, slope, parts + view * n});
      at.product(op::none, op::none, n, d, n, slope, own, du + view * n * d);
    }
    at.for_each_row(n, detail::alignment_row<T>{n, d, u.data(), du, parts + 2 * n});
    u.add_gradient(context, 1, du, dz.data);
    return at.sum(3 * n, parts);
  }
};

}  // namespace pretext::inline v0_1
