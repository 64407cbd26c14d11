// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/kernels/for_each_row.hpp>
#include <pretext/kernels/gemm.hpp>
#include <pretext/losses/detail/unit_rows.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// One prediction: the cross-entropy of its products with all keys against its own key, and the gradient.
template <class T, class W>
struct info_nce_row {
  std::size_t images;
  double temperature, factor;  ///< `factor` of a row's cross-entropy in the loss
  const W* products;
  T* slope;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const std::size_t n = images;
    const W* const from = products + row * n;
    T* const to = slope + row * n;
    const double inverse = 1 / temperature;
    // Unit rows have products of at most 1, up to rounding.
    const auto term = [&](std::size_t c) { return std::exp((double(from[c]) - 1) * inverse); };
    const double sum = team.sum(n, term);
    const double value = std::log(sum) + (1 - double(from[row])) * inverse;
    const double scale = factor * inverse;
    team.each(n, [&](std::size_t c) {
      to[c] = static_cast<T>(scale * (term(c) / sum - (c == row ? 1 : 0)));
      if (c == 0) parts[row] = factor * value;
    });
  }
};

}  // namespace detail

/// InfoNCE between predictions and keys (Chen et al. 2021, algorithm 1): the cross-entropy of each
/// prediction's cosines with the keys of all images in the other view against the key of its own image, the
/// sum of both directions, times 2·temperature. Throws std::invalid_argument for an odd number of rows.
struct info_nce {
  double temperature = 0.2;  ///< positive
  double weight = 1;         ///< 1/(2·temperature) for the sum of both cross-entropies

  friend bool operator==(const info_nce&, const info_nce&) = default;

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
    using device = typename Context::device;
    using kernels::op;
    constexpr std::size_t d = S::size;
    constexpr auto overwrite = kernels::write_mode::overwrite;
    expects(p.batch == keys.batch && p.batch % 2 == 0, "info_nce: ", p.batch, " predictions and ", keys.batch,
            " keys are not two views of the same images");
    const std::size_t n = p.batch / 2;
    const arena_scope guard{context.workspace};
    const detail::unit_rows<Context> q{context, 2 * n, d, p.data}, k{context, 2 * n, d, keys.data};
    W* const products = context.workspace.template allocate<W>(n * n);
    T* const slope = context.workspace.template allocate<T>(n * n);
    T* const dq = context.workspace.template allocate<T>(2 * n * d);
    double* const parts = context.workspace.template allocate<double>(2 * n);
    const double factor = weight * 2 * temperature / double(n);
    for (std::size_t view = 0; view < 2; ++view) {
      const T *const own = q.row(view * n), *const other = k.row((1 - view) * n);
      kernels::gemm<device>::run(context, op::none, op::transposed, n, n, d, own, other, products, overwrite);
      kernels::for_each_row<device>::run(
          context, n, detail::info_nce_row<T, W>{n, temperature, factor, products, slope, parts + view * n});
      kernels::gemm<device>::run(context, op::none, op::none, n, d, n, static_cast<const T*>(slope), other,
                                 dq + view * n * d, overwrite);
    }
    q.add_gradient(context, 1, dq, dp.data);
    return kernels::sum_of_parts<device>::run(context, 2 * n, 1, parts);
  }
};

}  // namespace pretext::inline v0_1
