// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <string_view>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/core/shape.hpp>
#include <pretext/losses/detail/expects_rows.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/loss_batch.hpp>

namespace pretext::inline v0_1 {

/// How two features are compared: by their squared difference, or by the smooth L1 loss, whose slope is
/// constant for large differences.
enum class feature_distance { smooth_l1, squares };

namespace detail {

/// One token: its distance from the target's, normalised, and the gradient.
template <class T>
struct regression_row {
  std::size_t columns;
  double factor, beta;  ///< `factor` of an element's distance in the loss
  bool normalises, squares;
  const T *p, *target;
  T* dp;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const T *const own = p + row * columns, *const from = target + row * columns;
    T* const to = dp + row * columns;
    double mean = 0, by = 1;
    if (normalises) {
      mean = team.sum(columns, [&](std::size_t c) { return double(from[c]); }) / double(columns);
      const double variance = team.sum(columns, [&](std::size_t c) {
        const double x = double(from[c]) - mean;
        return x * x;
      }) / double(columns);
      by = 1 / std::sqrt(variance + 1e-5);
    }
    const double bend = beta;
    const bool is_square = squares;
    const auto difference = [&](std::size_t c) { return double(own[c]) - (double(from[c]) - mean) * by; };
    const auto distance = [&](std::size_t c) {
      const double x = difference(c), size = x < 0 ? -x : x;
      return is_square ? x * x : size < bend ? x * x / (2 * bend) : size - bend / 2;
    };
    const auto slope = [&](double x) {
      const double size = x < 0 ? -x : x;
      return is_square ? 2 * x : size < bend ? x / bend : x < 0 ? -1 : x > 0 ? 1 : x;  // NaN stays NaN
    };
    const double sum = team.sum(columns, distance);
    team.each(columns, [&](std::size_t c) {
      to[c] = static_cast<T>(double(to[c]) + factor * slope(difference(c)));
      if (c == 0) parts[row] = factor * sum;
    });
  }
};

}  // namespace detail

/// I-JEPA's loss (Assran et al. 2023, official code): the smooth L1 loss between predicted tokens and the
/// target's, which are layer-normalised without scale and shift; the mean over all elements.
struct feature_regression {
  static constexpr bool compares_with_target = true;
  static constexpr std::string_view collapse_advice =
      "Predictor and target agree on constant features. Try a target that moves more slowly, a "
      "smaller learning rate or a longer warm-up, and check that targets are normalised.";
  feature_distance distance = feature_distance::smooth_l1;
  double beta = 1;         ///< difference from which the slope is constant, not negative
  bool normalises = true;  ///< each token of the target to mean 0 and variance 1

  friend bool operator==(const feature_regression&, const feature_regression&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(beta >= 0 && detail::is_finite(beta), "feature_regression: beta ", beta,
            " must be finite and not negative");
  }

  /// Returns the loss of batch.p (views·n, …, D) and adds its gradient to batch.dp. Throws
  /// std::invalid_argument unless the target has as many rows.
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context& context, const loss_batch<Context, S, S>& batch) const {
    using T = typename Context::activation;
    constexpr std::size_t d = channels_of<S>;
    const std::size_t tokens = batch.p.batch * position_count<S>;
    detail::expects_rows("feature_regression", batch);
    expects(batch.p.batch == batch.target.batch, "feature_regression: ", batch.p.batch,
            " rows of predictions but ", batch.target.batch, " of the target's features");
    const detail::loss_operations at{context};
    double* const parts = at.doubles(tokens);
    at.for_each_row(tokens, detail::regression_row<T>{d, 1 / (double(tokens) * double(d)), beta, normalises,
                                                      distance == feature_distance::squares, batch.p.data,
                                                      batch.target.data, batch.dp.data, parts});
    return at.sum(tokens, parts);
  }
};

}  // namespace pretext::inline v0_1
