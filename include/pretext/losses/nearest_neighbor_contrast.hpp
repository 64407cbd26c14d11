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
#include <pretext/losses/detail/info_nce_row.hpp>
#include <pretext/losses/detail/largest.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/detail/row_queue.hpp>
#include <pretext/losses/detail/unit_rows.hpp>
#include <pretext/losses/loss_batch.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// Copies the row of the queue whose product with an embedding is largest.
template <class T, class W>
struct take_neighbor {
  std::size_t columns, capacity;
  const W* products;
  const T* queue;
  T* neighbors;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const W* const from = products + row * capacity;
    const std::size_t nearest = largest_of(team, capacity, [&](std::size_t c) { return double(from[c]); });
    const T* const found = queue + nearest * columns;
    T* const to = neighbors + row * columns;
    team.each(columns, [&](std::size_t c) { to[c] = found[c]; });
  }
};

}  // namespace detail

/// Nearest-neighbour contrast (NNCLR, Dwibedi et al. 2021, eq. 2): for each embedding its nearest row in a
/// queue; the cross-entropy of that neighbour's cosines with the predictions of the other view against the
/// prediction of its own image, the mean over both views. Neighbours have no gradient. The first view's
/// embeddings enter the queue when the step is complete.
struct nearest_neighbor_contrast {
  static constexpr bool compares_with_target = true;
  static constexpr std::string_view collapse_advice = detail::advice_with_negatives;
  std::size_t capacity = 98304;  ///< rows of the queue, a multiple of the batch's images
  double temperature = 0.1;      ///< positive

  friend bool operator==(const nearest_neighbor_contrast&, const nearest_neighbor_contrast&) = default;

  /// The loss of embeddings that are all alike (losses/collapse_advice.hpp).
  double chance(std::size_t images, std::size_t) const { return std::log(double(images)); }
  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(capacity > 0, "nearest_neighbor_contrast: a queue with a capacity of 0 has no neighbours");
    expects(temperature > 0 && detail::is_finite(temperature), "nearest_neighbor_contrast: temperature ",
            temperature, " must be positive and finite");
  }

  /// The queue.
  template <class Context, Shape Prediction, Shape Embedding>
  struct state : detail::row_queue<Context, Embedding> {
    void start(Context& context, const nearest_neighbor_contrast& loss, std::uint64_t seed) {
      this->allocate(context, 1, loss.capacity, seed);
    }
  };

  /// Returns the loss of predictions batch.p (2n, D), whose embeddings are batch.target, and adds its
  /// gradient to batch.dp. Throws std::invalid_argument unless these are two views of each image.
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context& context, const loss_batch<Context, S, S>& batch,
                                          state<Context, S, S>& queue) const {
    using T = typename Context::activation;
    using W = typename Context::weight;
    using kernels::op;
    constexpr std::size_t d = S::size;
    const std::size_t n = batch.images, rows = 2 * n;
    detail::expects_rows("nearest_neighbor_contrast", batch);
    expects(batch.views == 2 && batch.target_views == 2, "nearest_neighbor_contrast: ", batch.views,
            " views of predictions and ", batch.target_views, " of embeddings; it compares two of both");
    const detail::loss_operations at{context};
    const detail::unit_rows<Context> p{context, rows, d, batch.p.data},
        z{context, rows, d, batch.target.data};
    queue.add(at, "nearest_neighbor_contrast", n, n, z.data());
    const T* const stored = queue.operands(at);
    W *const similarities = at.weights(rows * capacity), *const products = at.weights(n * n);
    T *const neighbors = at.activations(rows * d), *const slope = at.activations(n * n),
             *const dp = at.activations(rows * d);
    double* const parts = at.doubles(rows);
    at.product(op::none, op::transposed, rows, capacity, d, z.data(), stored, similarities);
    at.for_each_row(rows, detail::take_neighbor<T, W>{d, capacity, similarities, stored, neighbors});
    for (std::size_t view = 0; view < 2; ++view) {
      const std::size_t other = (1 - view) * n;
      const T* const anchors = neighbors + view * n * d;
      at.product(op::none, op::transposed, n, n, d, anchors, p.row(other), products);
      at.for_each_row(
          n, detail::info_nce_row<T, W>{n, temperature, 1 / double(rows), products, slope, parts + view * n});
      at.product(op::transposed, op::none, n, d, n, slope, anchors, dp + other * d);
    }
    p.add_gradient(context, 1, dp, batch.dp.data);
    return at.sum(rows, parts);
  }

  template <class Context, Shape Prediction, Shape Embedding>
  void commit(Context& context, state<Context, Prediction, Embedding>& queue) const {
    queue.commit(context);
  }
};

}  // namespace pretext::inline v0_1
