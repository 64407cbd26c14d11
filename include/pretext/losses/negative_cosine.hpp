// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/kernels/l2_normalize.hpp>
#include <pretext/losses/collapse_advice.hpp>
#include <pretext/losses/detail/expects_rows.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/loss_batch.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// One prediction: its cosine with the mean of the image's other views, and the gradient.
template <class T>
struct negative_cosine_row {
  std::size_t images, columns, target_views, first_target_view;
  double factor;  ///< of a row's cosine in the loss
  const T *p, *z;
  T* dp;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const std::size_t view = row / images, step = images * columns, count = target_views;
    const std::size_t own_view = view - first_target_view;  // not below `count` if the target lacks it
    const T* const own = p + row * columns;
    const T* const first = z + row % images * columns;
    T* const to = dp + row * columns;
    const double share = 1 / double(own_view < count ? count - 1 : count);
    const auto mean = [&](std::size_t c) {
      double sum = 0;
      for (std::size_t v = 0; v < count; ++v) sum += v == own_view ? 0. : double(first[v * step + c]);
      return sum * share;
    };
    const double by_p = kernels::detail::inverse_norm(
        team.sum(columns, [&](std::size_t c) { return double(own[c]) * double(own[c]); }));
    const double by_mean = kernels::detail::inverse_norm(team.sum(columns, [&](std::size_t c) {
      const double x = mean(c);
      return x * x;
    }));
    const double cosine =
        by_p * by_mean * team.sum(columns, [&](std::size_t c) { return double(own[c]) * mean(c); });
    const double along = kernels::detail::is_clamped(by_p) ? 0 : cosine, scale = factor * by_p;
    team.each(columns, [&](std::size_t c) {
      to[c] = static_cast<T>(double(to[c]) - scale * (by_mean * mean(c) - along * by_p * double(own[c])));
      if (c == 0) parts[row] = -factor * cosine;
    });
  }
};

}  // namespace detail

/// The loss of SimSiam (Chen & He 2021, eq. 4) and FastSiam (Pototzky et al. 2022): minus the cosine of a
/// prediction and the mean of the embeddings of the image's other views, which have no gradient; the mean
/// over all predictions. With two views that is the symmetrised loss of SimSiam.
struct negative_cosine {
  static constexpr bool compares_with_target = true;
  static constexpr std::string_view collapse_advice = detail::advice_without_negatives;

  friend bool operator==(const negative_cosine&, const negative_cosine&) = default;

  /// Returns the loss of batch.p (views·n, D) and adds its gradient to batch.dp; batch.target are embeddings
  /// of the same views. Throws std::invalid_argument if a prediction has no other view to be compared with.
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context& context, const loss_batch<Context, S, S>& batch) const {
    using T = typename Context::activation;
    detail::expects_rows("negative_cosine", batch);
    expects(batch.target_views > 1 || (batch.target_views == 1 && batch.first_target_view >= batch.views),
            "negative_cosine: a view is compared with the image's other ones; give the target two or more");
    const detail::loss_operations at{context};
    double* const parts = at.doubles(batch.p.batch);
    at.for_each_row(batch.p.batch,
                    detail::negative_cosine_row<T>{batch.images, S::size, batch.target_views,
                                                   batch.first_target_view, 1 / double(batch.p.batch),
                                                   batch.p.data, batch.target.data, batch.dp.data, parts});
    return at.sum(batch.p.batch, parts);
  }
};

}  // namespace pretext::inline v0_1
