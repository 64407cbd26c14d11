// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/losses/detail/centre.hpp>
#include <pretext/losses/detail/expects_rows.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/detail/sinkhorn.hpp>
#include <pretext/losses/loss_batch.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// The softmax of one anchor's scores and the logarithm of its sum of exponentials.
template <class T, class W>
struct anchor_softmax {
  std::size_t columns;
  double temperature;
  const T* scores;
  W* probabilities;
  double* log_sums;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const T* const from = scores + row * columns;
    W* const to = probabilities + row * columns;
    const double inverse = 1 / temperature;
    const double top = team.maximum(columns, [&](std::size_t c) { return double(from[c]); });
    const auto term = [&](std::size_t c) { return std::exp((double(from[c]) - top) * inverse); };
    const double sum = team.sum(columns, term);
    team.each(columns, [&](std::size_t c) {
      to[c] = static_cast<W>(term(c) / sum);
      if (c == 0) log_sums[row] = std::log(sum) + top * inverse;
    });
  }
};

/// The logarithm of the mean probability of one column, and its share of minus the mean's entropy.
template <class W>
struct mean_probability {
  std::size_t rows, columns;
  double factor;  ///< of the entropy in the loss
  const W* probabilities;
  double *log_means, *parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t column, const Team& team) const {
    const W* const from = probabilities + column;
    const std::size_t step = columns;
    const double mean = team.sum(rows, [&](std::size_t r) { return double(from[r * step]); }) / double(rows);
    team.each(1, [&](std::size_t) {
      // A probability of 0 has no gradient either.
      log_means[column] = mean > 0 ? std::log(mean) : 0;
      parts[column] = factor * (mean > 0 ? mean * std::log(mean) : 0) +
                      factor * std::log(double(columns)) / double(columns);
    });
  }
};

/// One anchor: its cross-entropy with the target's probabilities, and the gradient of both terms.
template <class T, class W>
struct masked_siamese_row {
  std::size_t images, columns;
  double temperature, factor, entropy;  ///< factors of the cross-entropy and of the entropy, over all rows
  const T* scores;
  const W *probabilities, *targets;
  const double *log_sums, *log_means;
  T* slope;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const T* const from = scores + row * columns;
    const W *const p = probabilities + row * columns, *const wanted = targets + row % images * columns;
    T* const to = slope + row * columns;
    const double *const means = log_means, inverse = 1 / temperature, log_sum = log_sums[row];
    const double total = team.sum(columns, [&](std::size_t c) { return double(wanted[c]); });
    const double value = team.sum(
        columns, [&](std::size_t c) { return double(wanted[c]) * (log_sum - double(from[c]) * inverse); });
    const double along = team.sum(columns, [&](std::size_t c) { return double(p[c]) * means[c]; });
    const double scale = factor * inverse, spread = entropy * inverse;
    team.each(columns, [&](std::size_t c) {
      to[c] = static_cast<T>(double(to[c]) + scale * (total * double(p[c]) - double(wanted[c])) +
                             spread * double(p[c]) * (means[c] - along));
      if (c == 0) parts[row] = factor * value;
    });
  }
};

}  // namespace detail

/// The loss of masked siamese networks (MSN, Assran et al. 2022, eq. 1): the cross-entropy of the softmax of
/// anchors' scores with the sharpened one of the target's view, the mean over all anchors, plus `spread`
/// times log K minus the entropy of the anchors' mean. Scores are cosines with prototypes: batch.p for the
/// anchors; those of the target's embeddings come from the batch's predictor, or are batch.target without
/// one.
struct msn_loss {
  static constexpr bool compares_with_target = true;
  static constexpr std::string_view collapse_advice =
      "All images share few prototypes. Try a larger weight of the entropy of the mean, sharper "
      "targets, and a smaller learning rate or a longer warm-up.";
  double temperature = 0.1;    ///< positive
  double sharpening = 0.25;    ///< positive: the target's probabilities to the power of 1/sharpening
  double spread = 1;           ///< not negative
  std::size_t iterations = 0;  ///< of Sinkhorn & Knopp's algorithm on the targets

  friend bool operator==(const msn_loss&, const msn_loss&) = default;

  /// The loss of embeddings that are all alike (losses/collapse_advice.hpp).
  double chance(std::size_t, std::size_t scores) const { return std::log(double(scores)); }
  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    for (const double each : {temperature, sharpening})
      expects(each > 0 && detail::is_finite(each),
              "msn_loss: temperature and sharpening must be positive and finite, not ", each);
    expects(spread >= 0 && detail::is_finite(spread), "msn_loss: spread ", spread,
            " must be finite and not negative");
  }

  /// Returns the loss of batch.p (views·n, K) and adds its gradient to batch.dp. Throws std::invalid_argument
  /// unless the target has seen one view, and without a predictor of its scores.
  template <class Context, Shape P, Shape E>
  typename Context::loss_value operator()(Context& context, const loss_batch<Context, P, E>& batch) const {
    using T = typename Context::activation;
    using W = typename Context::weight;
    constexpr std::size_t k = P::size;
    const std::size_t n = batch.images, rows = batch.p.batch;
    detail::expects_rows("msn_loss", batch);
    expects(batch.target_views == 1, "msn_loss: the target must see one view, not ", batch.target_views);
    const detail::loss_operations at{context};
    const T* scores = nullptr;
    if (batch.run_predictor) {
      T* const predicted = at.activations(n * k);
      batch.predict(context, {batch.target.data, n}, {predicted, n});
      scores = predicted;
    } else if constexpr (std::same_as<P, E>) {
      scores = batch.target.data;
    }
    expects(scores, "msn_loss: the batch has no predictor, which makes scores of the target's embeddings");
    W *const targets = at.weights(n * k), *const probabilities = at.weights(rows * k);
    double *const log_sums = at.doubles(rows), *const log_means = at.doubles(k),
                  *const parts = at.doubles(rows + k);
    at.for_each_row(
        n, detail::centred_softmax<T, W>{k, {temperature * sharpening}, scores, nullptr, nullptr, targets});
    if (iterations > 0) detail::balance_rows(at, n, k, iterations, targets);
    at.for_each_row(rows,
                    detail::anchor_softmax<T, W>{k, temperature, batch.p.data, probabilities, log_sums});
    at.for_each_row(k, detail::mean_probability<W>{rows, k, spread, probabilities, log_means, parts + rows});
    at.for_each_row(rows, detail::masked_siamese_row<T, W>{
                              n, k, temperature, 1 / double(rows), spread / double(rows), batch.p.data,
                              probabilities, targets, log_sums, log_means, batch.dp.data, parts});
    return at.sum(rows + k, parts);
  }
};

}  // namespace pretext::inline v0_1
