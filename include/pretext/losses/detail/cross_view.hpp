// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/expects.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/loss_batch.hpp>

namespace pretext::inline v0_1::detail {

/// One row of scores: the cross-entropy of its softmax with the probabilities of the image's other views, and
/// the gradient.
template <class T, class W>
struct cross_view_row {
  std::size_t images, columns, target_views, first_target_view;
  double temperature, factor;  ///< `factor` of each cross-entropy in the loss
  const T* scores;
  const W* probabilities;  ///< (target_views·images, columns)
  T* slope;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const std::size_t step = images * columns, count = target_views;
    const std::size_t own_view = row / images - first_target_view;  // not below `count`: it has none
    const T* const from = scores + row * columns;
    const W* const first = probabilities + row % images * columns;
    T* const to = slope + row * columns;
    const double inverse = 1 / temperature;
    const double top = team.maximum(columns, [&](std::size_t c) { return double(from[c]); });
    const auto term = [&](std::size_t c) { return std::exp((double(from[c]) - top) * inverse); };
    const auto wanted = [&](std::size_t c) {
      double sum = 0;
      for (std::size_t v = 0; v < count; ++v) sum += v == own_view ? 0. : double(first[v * step + c]);
      return sum;
    };
    const double sum = team.sum(columns, term), total = team.sum(columns, wanted);
    const double below =
        team.sum(columns, [&](std::size_t c) { return wanted(c) * (top - double(from[c])); });
    const double scale = factor * inverse, share = total / sum;
    team.each(columns, [&](std::size_t c) {
      to[c] = static_cast<T>(double(to[c]) + scale * (share * term(c) - wanted(c)));
      if (c == 0) parts[row] = factor * (total * std::log(sum) + below * inverse);
    });
  }
};

/// The mean over all pairs of different views of the mean cross-entropy of the scores batch.p with
/// probabilities of the first `target_views` of the target's views. Adds the gradient to batch.dp. Throws
/// std::invalid_argument if there is no such pair.
template <class Context, Shape P, Shape E>
typename Context::loss_value cross_view_loss(const loss_operations<Context>& at, const char* loss,
                                             const loss_batch<Context, P, E>& batch, std::size_t target_views,
                                             double temperature,
                                             const typename Context::weight* probabilities) {
  using T = typename Context::activation;
  using W = typename Context::weight;
  std::size_t pairs = 0;
  for (std::size_t v = 0; v < target_views; ++v)
    pairs += batch.views - (batch.first_target_view + v < batch.views ? 1 : 0);
  expects(pairs > 0, loss, ": ", batch.views, " views and ", target_views,
          " of the target have no pair of different ones");
  const std::size_t rows = batch.p.batch;
  double* const parts = at.doubles(rows);
  at.for_each_row(rows, cross_view_row<T, W>{batch.images, P::size, target_views, batch.first_target_view,
                                             temperature, 1 / (double(batch.images) * double(pairs)),
                                             batch.p.data, probabilities, batch.dp.data, parts});
  return at.sum(rows, parts);
}

}  // namespace pretext::inline v0_1::detail
