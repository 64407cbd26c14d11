// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/kernels/cosine_regression.hpp>
#include <pretext/losses/collapse_advice.hpp>

namespace pretext::inline v0_1 {

/// BYOL's loss (Grill et al. 2020, eq. 2): 2 - 2·cos between a prediction and the target's embedding of the
/// other view, the sum of both directions, from 0 to 8. Throws std::invalid_argument for an odd number of
/// rows.
struct cosine_regression {
  static constexpr std::string_view collapse_advice = detail::advice_without_negatives;
  double weight = 1;  ///< ½ for the mean of both directions

  friend bool operator==(const cosine_regression&, const cosine_regression&) = default;

  /// Returns the loss of p (2n, D), whose row i is compared with row (i+n) mod 2n of `target`, and adds its
  /// gradient to dp.
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context& context, reads<Context, S> p, reads<Context, S> target,
                                          writes<Context, S> dp) const {
    expects(p.batch == target.batch, "cosine_regression: ", p.batch, " rows of predictions but ",
            target.batch, " of the target's embeddings");
    return kernels::cosine_regression<typename Context::device>::run(context, p.batch, S::size, weight,
                                                                     p.data, target.data, dp.data);
  }
};

}  // namespace pretext::inline v0_1
