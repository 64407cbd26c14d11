// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/kernels/after_step.hpp>
#include <pretext/losses/detail/copy_rows.hpp>
#include <pretext/losses/detail/cross_view.hpp>
#include <pretext/losses/detail/expects_rows.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/detail/sinkhorn.hpp>
#include <pretext/losses/detail/step_draws.hpp>
#include <pretext/losses/loss_batch.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// Which rows of a batch and the queue behind it take part: those of the queue once its last row is not zero.
template <class W>
struct rows_in_use {
  std::size_t images, capacity, columns;
  const W* queue;
  std::uint8_t* used;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t, const Team& team) const {
    const W* const last = queue + (capacity - 1) * columns;
    const double squares =
        team.sum(columns, [&](std::size_t c) { return double(last[c]) * double(last[c]); });
    team.each(images + capacity, [&](std::size_t i) { used[i] = i < images || squares > 0; });
  }
};

/// A row of the queues as they are after a step: new rows, then the old ones.
template <class W>
struct shift_queue_row {
  std::size_t images, capacity, columns;
  std::uint64_t from_step;
  const std::uint64_t* steps;
  const W *added, *queues;
  W* shifted;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const std::size_t queue = row / capacity, place = row % capacity;
    const bool changes = *steps >= from_step;
    const W* const from = !changes         ? queues + row * columns
                          : place < images ? added + (queue * images + place) * columns
                                           : queues + (row - images) * columns;
    W* const to = shifted + row * columns;
    team.each(columns, [&](std::size_t c) { to[c] = from[c]; });
  }
};

}  // namespace detail

/// The swapped prediction of SwAV (Caron et al. 2020, eq. 2): codes of a view, from its scores by the
/// algorithm of Sinkhorn & Knopp, are predicted from the scores of the image's other views; the mean over all
/// pairs. Rows batch.p are scores of prototypes, batch.target the embeddings of the same views. For small
/// batches a queue of embeddings for each assigning view takes part in the codes, with the present
/// prototypes; it does so once it is full.
struct swapped_prediction {
  static constexpr bool compares_with_target = true;
  static constexpr std::string_view collapse_advice =
      "All images share few prototypes. Try a smaller epsilon, which makes codes sharper, a larger "
      "batch or a queue, and check that prototypes are frozen in the first epoch.";
  double temperature = 0.1;         ///< positive
  double epsilon = 0.05;            ///< positive, smaller for sharper codes
  std::size_t iterations = 3;       ///< of Sinkhorn & Knopp's algorithm
  std::size_t assigning_views = 2;  ///< the first views, which have codes
  std::size_t capacity = 0;         ///< embeddings in a queue, at least the batch's images; 0: no queue
  std::uint64_t queue_from_step = 0;

  friend bool operator==(const swapped_prediction&, const swapped_prediction&) = default;

  /// The loss of embeddings that are all alike (losses/collapse_advice.hpp).
  double chance(std::size_t, std::size_t scores) const { return std::log(double(scores)); }
  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    for (const double each : {temperature, epsilon})
      expects(each > 0 && detail::is_finite(each), "swapped_prediction: temperature and epsilon must be ",
              "positive and finite, not ", each);
    expects(iterations > 0 && assigning_views > 0,
            "swapped_prediction: codes need an iteration and an assigning view or more");
  }

  /// The queues, newest embeddings first, and the number of completed steps, in checkpoints `queue_steps`:
  /// AdamW has `steps`.
  template <class Context, Shape Prediction, Shape Embedding>
  struct state {
    using W = typename Context::weight;
    using device = typename Context::device;
    buffer<W, device> queues;
    buffer<std::uint64_t, device> steps;
    tensor<W, Embedding, device> added;

    void start(Context&, const swapped_prediction& loss, std::uint64_t) {
      queues = buffer<W, device>{loss.assigning_views * loss.capacity * Embedding::size};
      steps = buffer<std::uint64_t, device>{1};
    }
    template <class Visitor>
    void for_each_buffer(Visitor&& visit) {
      if (queues.size() > 0) visit(std::string_view{"queue"}, queues.data(), queues.size());
      visit(std::string_view{"queue_steps"}, steps.data(), steps.size());
    }
  };

  /// Returns the loss of batch.p (views·n, K) and adds its gradient to batch.dp. Throws std::invalid_argument
  /// if there is no other view, if the target lacks an assigning one, or if a queue is smaller than the
  /// batch.
  template <class Context, Shape P, Shape E>
  typename Context::loss_value operator()(Context& context, const loss_batch<Context, P, E>& batch,
                                          state<Context, P, E>& memory) const {
    using T = typename Context::activation;
    using W = typename Context::weight;
    constexpr std::size_t k = P::size, d = E::size;
    const std::size_t n = batch.images, known = n + capacity;
    detail::expects_rows("swapped_prediction", batch);
    expects(batch.target_views >= assigning_views && batch.first_target_view == 0,
            "swapped_prediction: the target's first views must be the ", assigning_views, " assigning ones");
    expects(capacity == 0 || n <= capacity, "swapped_prediction: a queue of ", capacity,
            " embeddings is smaller than a batch of ", n, " images; choose a larger one, or 0");
    const detail::loss_operations at{context};
    W* const codes = at.weights(assigning_views * n * k);
    W* const q = capacity > 0 ? at.weights(known * k) : nullptr;
    T* const scores = capacity > 0 ? at.activations(known * k) : nullptr;
    auto* const used = capacity > 0 ? at.template allocate<std::uint8_t>(known) : nullptr;
    for (std::size_t view = 0; view < assigning_views; ++view) {
      const T* const own = batch.p.data + view * n * k;
      if (capacity == 0) {
        detail::sinkhorn(at, n, k, {epsilon}, iterations, own, nullptr, codes + view * n * k);
        continue;
      }
      const W* const queue = memory.queues.data() + view * capacity * d;
      at.for_each_row(n, detail::copy_row<T, T>{k, own, scores});
      batch.predict(context, {detail::operands_of(at, capacity, d, queue), capacity},
                    {scores + n * k, capacity});
      at.for_each_row(1, detail::rows_in_use<W>{n, capacity, d, queue, used});
      detail::sinkhorn(at, known, k, {epsilon}, iterations, scores, used, q);
      at.for_each_row(n, detail::copy_row<W, W>{k, q, codes + view * n * k});
    }
    if (capacity > 0)
      at.for_each_row(
          assigning_views * n,
          detail::copy_row<T, W>{d, batch.target.data, memory.added.resize(assigning_views * n).data});
    return detail::cross_view_loss(at, "swapped_prediction", batch, assigning_views, temperature, codes);
  }

  /// Puts the embeddings of the assigning views at the head of the queues, from `queue_from_step` on.
  template <class Context, Shape P, Shape E>
  void commit(Context& context, state<Context, P, E>& memory) const {
    using W = typename Context::weight;
    constexpr std::size_t d = E::size;
    const std::size_t rows = assigning_views * capacity;
    const std::size_t n = memory.added.view().batch / assigning_views;
    if (capacity > 0 && n > 0) {
      const detail::loss_operations at{context};
      W* const shifted = at.weights(rows * d);
      at.for_each_row(rows,
                      detail::shift_queue_row<W>{n, capacity, d, queue_from_step, memory.steps.data(),
                                                 memory.added.view().data, memory.queues.data(), shifted});
      kernels::for_each_row_after_step(context, rows,
                                       detail::copy_row<W, W>{d, shifted, memory.queues.data()});
    }
    kernels::for_each_row_after_step(context, 1, detail::count_step{memory.steps.data()});
  }
};

}  // namespace pretext::inline v0_1
