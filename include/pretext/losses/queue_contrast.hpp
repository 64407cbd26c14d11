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
#include <pretext/losses/detail/row_queue.hpp>
#include <pretext/losses/detail/unit_rows.hpp>
#include <pretext/losses/loss_batch.hpp>

namespace pretext::inline v0_1 {

/// The queues of a contrast in both directions. `shared`: one queue, in which the keys of the first direction
/// have taken their places when the second direction reads it, as in lightly; `per_view`: one for the keys of
/// each view, as in solo-learn.
enum class key_queues { shared, per_view };

namespace detail {

/// One query: the cross-entropy of its products with its own key and those in the queue against its own key,
/// and the gradient; that of the own key's product goes to dq. Keys of the batch may stand in for those from
/// the queue's position on.
template <class T, class W>
struct queue_contrast_row {
  std::size_t images, columns, capacity;
  double temperature, factor;  ///< `factor` of a row's cross-entropy in the loss
  const T *q, *k;
  const W *of_queue, *of_batch;   ///< products; `of_batch` null: no keys of the batch
  const std::uint64_t* position;  ///< of the queue
  T *queue_slope, *batch_slope, *dq;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const T *const query = q + row * columns, *const key = k + row * columns;
    const W* const from = of_queue + row * capacity;
    const W* const replaced = of_batch ? of_batch + row * images : nullptr;
    T *const to = queue_slope + row * capacity, *const to_query = dq + row * columns;
    T* const to_replaced = of_batch ? batch_slope + row * images : nullptr;
    const std::size_t n = images, all = capacity, start = of_batch ? all - *position % all : 0;
    const double inverse = 1 / temperature;
    // The number of the batch's key at a place of the queue; n or more: none.
    const auto key_at = [&](std::size_t c) {
      return !replaced ? n : c + start < all ? c + start : c + start - all;
    };
    const auto product = [&](std::size_t c) {
      const std::size_t i = key_at(c);
      return i < n ? double(replaced[i]) : double(from[c]);
    };
    const double positive =
        team.sum(columns, [&](std::size_t c) { return double(query[c]) * double(key[c]); });
    const double in_queue = team.maximum(capacity, product);
    const double top = in_queue > positive ? in_queue : positive;
    const auto term = [&](double x) { return std::exp((x - top) * inverse); };
    const double own = term(positive);
    const double sum = own + team.sum(capacity, [&](std::size_t c) { return term(product(c)); });
    const double scale = factor * inverse, to_key = scale * (own / sum - 1);
    team.each(capacity, [&](std::size_t c) {
      const std::size_t i = key_at(c);
      const double slope = scale * term(product(c)) / sum;
      to[c] = static_cast<T>(i < n ? 0. : slope);
      if (i < n) to_replaced[i] = static_cast<T>(slope);
    });
    team.each(columns, [&](std::size_t c) {
      to_query[c] = static_cast<T>(to_key * double(key[c]));
      if (c == 0) parts[row] = factor * (std::log(sum) + (top - positive) * inverse);
    });
  }
};

}  // namespace detail

/// InfoNCE against a queue of keys (MoCo, He et al. 2020, eq. 1; MoCo v2): the cross-entropy of a query's
/// cosines with its own key and with the keys of earlier batches against its own key, the mean over the
/// images. With one view of each network the first one's rows are queries and the target's keys; with two
/// views of both networks, the mean of both directions. The keys enter the queue when the step is complete.
struct queue_contrast {
  static constexpr bool compares_with_target = true;
  static constexpr std::string_view collapse_advice = detail::advice_with_negatives;
  std::size_t capacity = 65536;  ///< keys in a queue, a multiple of the batch's images
  double temperature = 0.2;      ///< positive; 0.07 in the first version
  key_queues queues = key_queues::shared;

  friend bool operator==(const queue_contrast&, const queue_contrast&) = default;

  /// The loss of embeddings that are all alike (losses/collapse_advice.hpp).
  double chance(std::size_t, std::size_t) const { return std::log(1 + double(capacity)); }
  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(capacity > 0, "queue_contrast: a capacity of 0 leaves nothing to contrast with");
    expects(temperature > 0 && detail::is_finite(temperature), "queue_contrast: temperature ", temperature,
            " must be positive and finite");
  }

  /// The queue.
  template <class Context, Shape Prediction, Shape Embedding>
  struct state : detail::row_queue<Context, Embedding> {
    void start(Context& context, const queue_contrast& loss, std::uint64_t seed) {
      this->allocate(context, loss.queues == key_queues::per_view ? 2 : 1, loss.capacity, seed);
    }
  };

  /// Returns the loss of batch.p and adds its gradient to batch.dp. Throws std::invalid_argument unless there
  /// is one view of each network, or two of both.
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context& context, const loss_batch<Context, S, S>& batch,
                                          state<Context, S, S>& queue) const {
    using T = typename Context::activation;
    using W = typename Context::weight;
    using kernels::op;
    constexpr auto accumulate = kernels::write_mode::accumulate;
    constexpr std::size_t d = S::size;
    const std::size_t n = batch.images, directions = batch.views, rows = n * directions;
    detail::expects_rows("queue_contrast", batch);
    expects(directions == batch.target_views && (directions == 1 || directions == 2),
            "queue_contrast: queries of ", directions, " views and keys of ", batch.target_views,
            "; take one view each or two of both");
    const bool per_view = queues == key_queues::per_view, replaces = directions == 2 && !per_view;
    expects(directions == 2 || !per_view, "queue_contrast: queues per view need two views of both networks");

    const detail::loss_operations at{context};
    const detail::unit_rows<Context> q{context, rows, d, batch.p.data},
        k{context, rows, d, batch.target.data};
    const T* const keys = queue.operands(at);
    W *const of_queue = at.weights(n * capacity), *const of_batch = replaces ? at.weights(n * n) : nullptr;
    T *const queue_slope = at.activations(n * capacity), *const batch_slope =
                                                             replaces ? at.activations(n * n) : nullptr;
    T* const dq = at.activations(rows * d);
    double* const parts = at.doubles(rows);
    queue.add(at, "queue_contrast", n, replaces ? rows : n, k.data(), replaces ? n : 0);
    for (std::size_t view = 0; view < directions; ++view) {
      const std::size_t other = directions - 1 - view;
      const bool replaced = replaces && view == 1;
      const T* const own = q.row(view * n);
      const T* const other_keys = keys + (per_view ? other * capacity * d : 0);
      at.product(op::none, op::transposed, n, capacity, d, own, other_keys, of_queue);
      if (replaced) at.product(op::none, op::transposed, n, n, d, own, k.row(n), of_batch);
      at.for_each_row(n, detail::queue_contrast_row<T, W>{
                             n, d, capacity, temperature, 1 / double(rows), own, k.row(other * n), of_queue,
                             replaced ? of_batch : nullptr, queue.position(), queue_slope, batch_slope,
                             dq + view * n * d, parts + view * n});
      at.product(op::none, op::none, n, d, capacity, queue_slope, other_keys, dq + view * n * d, accumulate);
      if (replaced) at.product(op::none, op::none, n, d, n, batch_slope, k.row(n), dq + n * d, accumulate);
    }
    q.add_gradient(context, 1, dq, batch.dp.data);
    return at.sum(rows, parts);
  }

  template <class Context, Shape Prediction, Shape Embedding>
  void commit(Context& context, state<Context, Prediction, Embedding>& queue) const {
    queue.commit(context);
  }
};

}  // namespace pretext::inline v0_1
