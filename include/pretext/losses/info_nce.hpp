// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/losses/collapse_advice.hpp>
#include <pretext/losses/detail/info_nce_row.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/detail/unit_rows.hpp>

namespace pretext::inline v0_1 {

/// InfoNCE between predictions and keys (Chen et al. 2021, algorithm 1): the cross-entropy of each
/// prediction's cosines with the keys of all images in the other view against the key of its own image, the
/// sum of both directions, times 2·temperature. Throws std::invalid_argument for an odd number of rows.
struct info_nce {
  static constexpr std::string_view collapse_advice = detail::advice_with_negatives;
  double temperature = 0.2;  ///< positive
  double weight = 1;         ///< 1/(2·temperature) for the sum of both cross-entropies

  friend bool operator==(const info_nce&, const info_nce&) = default;

  /// The loss of embeddings that are all alike (losses/collapse_advice.hpp).
  double chance(std::size_t images, std::size_t) const {
    return 4 * weight * temperature * std::log(double(images));
  }
  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(temperature > 0 && detail::is_finite(temperature), "info_nce: temperature ", temperature,
            " must be positive and finite");
  }

  /// Returns the loss of p (2n, D), whose row i belongs to row (i+n) mod 2n of `keys`, and adds its gradient
  /// to dp.
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context& context, reads<Context, S> p, reads<Context, S> keys,
                                          writes<Context, S> dp) const {
    using T = typename Context::activation;
    using W = typename Context::weight;
    using kernels::op;
    constexpr std::size_t d = S::size;
    expects(p.batch == keys.batch && p.batch % 2 == 0, "info_nce: ", p.batch, " predictions and ", keys.batch,
            " keys are not two views of the same images");
    const std::size_t n = p.batch / 2;
    const detail::loss_operations at{context};
    const detail::unit_rows<Context> q{context, 2 * n, d, p.data}, k{context, 2 * n, d, keys.data};
    W* const products = at.weights(n * n);
    T* const slope = at.activations(n * n);
    T* const dq = at.activations(2 * n * d);
    double* const parts = at.doubles(2 * n);
    const double factor = weight * 2 * temperature / double(n);
    for (std::size_t view = 0; view < 2; ++view) {
      const T *const own = q.row(view * n), *const other = k.row((1 - view) * n);
      at.product(op::none, op::transposed, n, n, d, own, other, products);
      at.for_each_row(n,
                      detail::info_nce_row<T, W>{n, temperature, factor, products, slope, parts + view * n});
      at.product(op::none, op::none, n, d, n, slope, other, dq + view * n * d);
    }
    q.add_gradient(context, 1, dq, dp.data);
    return at.sum(2 * n, parts);
  }
};

}  // namespace pretext::inline v0_1
