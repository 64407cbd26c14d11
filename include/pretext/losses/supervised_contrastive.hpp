// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/losses/collapse_advice.hpp>
#include <pretext/losses/detail/expects_rows.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/detail/unit_rows.hpp>
#include <pretext/losses/loss_batch.hpp>

namespace pretext::inline v0_1 {

/// Where a loss with several positives per anchor adds over them: outside the logarithm, or inside it.
enum class positives { outside_logarithm, inside_logarithm };

namespace detail {

/// One anchor: the cross-entropy of its products with all other rows against the rows of its class, and the
/// gradient.
template <class T, class W>
struct supervised_row {
  std::size_t rows, images;
  double temperature, factor;  ///< `factor` of a row's value in the loss
  bool inside;                 ///< the logarithm
  const std::int64_t* labels;
  const W* products;
  T* slope;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const W* const from = products + row * rows;
    T* const to = slope + row * rows;
    const std::int64_t* const of = labels;
    const std::int64_t own = of[row % images];
    const double inverse = 1 / temperature;
    const auto is_positive = [&](std::size_t c) { return c != row && of[c % images] == own; };
    const auto logit = [&](std::size_t c) { return double(from[c]) * inverse; };
    const double top =
        team.maximum(rows, [&](std::size_t c) { return c == row ? -infinity<double> : logit(c); });
    const auto term = [&](std::size_t c) { return c == row ? 0. : std::exp(logit(c) - top); };
    const double sum = team.sum(rows, term);
    const double count = team.sum(rows, [&](std::size_t c) { return is_positive(c) ? 1. : 0.; });
    // Both forms weigh the positives' logits: equally, or by their softmax.
    const double most =
        inside
            ? team.maximum(rows, [&](std::size_t c) { return is_positive(c) ? logit(c) : -infinity<double>; })
            : 0;
    const auto weight = [&](std::size_t c) {
      return !is_positive(c) ? 0. : inside ? std::exp(logit(c) - most) : 1.;
    };
    const double weights = inside ? team.sum(rows, weight) : count;
    const double wanted =
        inside ? most + std::log(weights)
               : team.sum(rows, [&](std::size_t c) { return is_positive(c) ? logit(c) : 0.; }) / count;
    const double scale = factor * inverse;
    const bool alone = count == 0;  // no row of its class: nothing to compare
    team.each(rows, [&](std::size_t c) {
      to[c] = static_cast<T>(alone ? 0. : scale * (term(c) / sum - weight(c) / weights));
      if (c == 0) parts[row] = alone ? 0 : factor * (std::log(sum) + top - wanted);
    });
  }
};

}  // namespace detail

/// Supervised contrast (Khosla et al. 2020, eq. 2): for every anchor the mean over the other rows of its
/// class, of all views, of the cross-entropy of its cosines with all other rows against that one; the mean
/// over all anchors. With the sum inside the logarithm it is eq. 3 up to log |P|, as in solo-learn's code.
struct supervised_contrastive {
  static constexpr bool compares_with_target = false;
  static constexpr std::string_view collapse_advice = detail::advice_with_negatives;
  double temperature = 0.1;  ///< positive
  double weight = 1;         ///< temperature/0.07 in SupContrast's code
  positives sum = positives::outside_logarithm;

  friend bool operator==(const supervised_contrastive&, const supervised_contrastive&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(temperature > 0 && detail::is_finite(temperature), "supervised_contrastive: temperature ",
            temperature, " must be positive and finite");
    expects(detail::is_finite(weight), "supervised_contrastive: weight ", weight, " must be finite");
  }

  /// Returns the loss of batch.p (views·n, D) and adds its gradient to batch.dp; stores two matrices of
  /// (views·n, views·n). Throws std::invalid_argument for a batch without labels or of a single row.
  template <class Context, Shape S, Shape Embedding>
  typename Context::loss_value operator()(Context& context,
                                          const loss_batch<Context, S, Embedding>& batch) const {
    using T = typename Context::activation;
    using W = typename Context::weight;
    using kernels::op;
    constexpr std::size_t d = S::size;
    const std::size_t rows = batch.p.batch;
    detail::expects_rows("supervised_contrastive", batch);
    expects(batch.labels, "supervised_contrastive: the batch has no labels; give the class of every image");
    expects(rows > 1, "supervised_contrastive: a single row has nothing to be compared with");
    const detail::loss_operations at{context};
    const detail::unit_rows<Context> u{context, rows, d, batch.p.data};
    W* const products = at.weights(rows * rows);
    T *const slope = at.activations(rows * rows), *const du = at.activations(rows * d);
    double* const parts = at.doubles(rows);
    at.product(op::none, op::transposed, rows, rows, d, u.data(), u.data(), products);
    at.for_each_row(rows, detail::supervised_row<T, W>{rows, batch.images, temperature, weight / double(rows),
                                                       sum == positives::inside_logarithm, batch.labels,
                                                       products, slope, parts});
    at.product(op::none, op::none, rows, d, rows, slope, u.data(), du);
    at.product(op::transposed, op::none, rows, d, rows, slope, u.data(), du, kernels::write_mode::accumulate);
    u.add_gradient(context, 1, du, batch.dp.data);
    return at.sum(rows, parts);
  }
};

}  // namespace pretext::inline v0_1
