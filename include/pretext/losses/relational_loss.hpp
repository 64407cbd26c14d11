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
#include <pretext/losses/detail/expects_rows.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/detail/row_queue.hpp>
#include <pretext/losses/detail/unit_rows.hpp>
#include <pretext/losses/loss_batch.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// One embedding: the cross-entropy of its similarities to the queue with those of the target, and the
/// gradient.
template <class T, class W>
struct relational_row {
  std::size_t images, capacity;
  double temperature, target_temperature, factor;  ///< `factor` of a row's cross-entropy in the loss
  const W *products, *target_products;
  T* slope;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const W* const from = products + row * capacity;
    const W* const target = target_products + row % images * capacity;
    T* const to = slope + row * capacity;
    const double inverse = 1 / temperature, target_inverse = 1 / target_temperature;
    const double top = team.maximum(capacity, [&](std::size_t c) { return double(from[c]); });
    const double target_top = team.maximum(capacity, [&](std::size_t c) { return double(target[c]); });
    const auto term = [&](std::size_t c) { return std::exp((double(from[c]) - top) * inverse); };
    const auto wanted = [&](std::size_t c) {
      return std::exp((double(target[c]) - target_top) * target_inverse);
    };
    const double sum = team.sum(capacity, term), target_sum = team.sum(capacity, wanted);
    const double mean =
        team.sum(capacity, [&](std::size_t c) { return wanted(c) * double(from[c]); }) / target_sum;
    const double scale = factor * inverse;
    team.each(capacity, [&](std::size_t c) {
      to[c] = static_cast<T>(scale * (term(c) / sum - wanted(c) / target_sum));
      if (c == 0) parts[row] = factor * (std::log(sum) + (top - mean) * inverse);
    });
  }
};

}  // namespace detail

/// Relational self-supervised learning (ReSSL, Zheng et al. 2021, eq. 5): the cross-entropy between the
/// softmax of the target's similarities to a queue of embeddings and that of the online network's, the mean
/// over its views. The target sees one view, a weakly augmented one; its embeddings enter the queue when the
/// step is complete.
struct relational_loss {
  static constexpr bool compares_with_target = true;
  static constexpr std::string_view collapse_advice =
      "All images have the same relations. Check that the target's temperature is below the "
      "student's; then try a larger queue, weaker augmentation of the target's view and a smaller "
      "learning rate.";
  std::size_t capacity = 131072;     ///< rows of the queue, a multiple of the batch's images
  double temperature = 0.1;          ///< positive
  double target_temperature = 0.04;  ///< positive, lower for a sharper distribution

  friend bool operator==(const relational_loss&, const relational_loss&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(capacity > 1, "relational_loss: a capacity of ", capacity, " leaves nothing to compare");
    for (const double each : {temperature, target_temperature})
      expects(each > 0 && detail::is_finite(each), "relational_loss: temperature ", each,
              " must be positive and finite");
  }

  /// The queue.
  template <class Context, Shape Prediction, Shape Embedding>
  struct state : detail::row_queue<Context, Embedding> {
    void start(Context& context, const relational_loss& loss, std::uint64_t seed) {
      this->allocate(context, 1, loss.capacity, seed);
    }
  };

  /// Returns the loss of batch.p (views·n, D) and adds its gradient to batch.dp. Throws std::invalid_argument
  /// unless the target has seen one view.
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context& context, const loss_batch<Context, S, S>& batch,
                                          state<Context, S, S>& queue) const {
    using T = typename Context::activation;
    using W = typename Context::weight;
    using kernels::op;
    constexpr std::size_t d = S::size;
    const std::size_t n = batch.images, rows = batch.p.batch;
    detail::expects_rows("relational_loss", batch);
    expects(batch.target_views == 1, "relational_loss: the target must see one view, not ",
            batch.target_views);
    const detail::loss_operations at{context};
    const detail::unit_rows<Context> q{context, rows, d, batch.p.data}, k{context, n, d, batch.target.data};
    queue.add(at, "relational_loss", n, n, k.data());
    const T* const others = queue.operands(at);
    W *const products = at.weights(rows * capacity), *const target_products = at.weights(n * capacity);
    T *const slope = at.activations(rows * capacity), *const dq = at.activations(rows * d);
    double* const parts = at.doubles(rows);
    at.product(op::none, op::transposed, rows, capacity, d, q.data(), others, products);
    at.product(op::none, op::transposed, n, capacity, d, k.data(), others, target_products);
    at.for_each_row(
        rows, detail::relational_row<T, W>{n, capacity, temperature, target_temperature, 1 / double(rows),
                                           products, target_products, slope, parts});
    at.product(op::none, op::none, rows, d, capacity, slope, others, dq);
    q.add_gradient(context, 1, dq, batch.dp.data);
    return at.sum(rows, parts);
  }

  template <class Context, Shape Prediction, Shape Embedding>
  void commit(Context& context, state<Context, Prediction, Embedding>& queue) const {
    queue.commit(context);
  }
};

}  // namespace pretext::inline v0_1
