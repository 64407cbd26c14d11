// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/losses/detail/expects_rows.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/detail/random_order.hpp>
#include <pretext/losses/detail/step_draws.hpp>
#include <pretext/losses/detail/whitening.hpp>
#include <pretext/losses/loss_batch.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// One whitened embedding: its distances from those of the image's other views on the unit sphere, and the
/// gradient.
struct whitened_row {
  std::size_t images, columns, views;
  double factor;  ///< of 1 - cos of each ordered pair of views
  const double *y, *inverse;
  double *dy, *parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const std::size_t d = columns, own_view = row / images, image = row % images;
    const double* const own = y + row * d;
    const double by = inverse[row];
    double cosines = 0;
    for (std::size_t v = 0; v < views; ++v) {
      if (v == own_view) continue;
      const std::size_t at = v * images + image;
      const double* const other = y + at * d;
      cosines += by * inverse[at] * team.sum(d, [&](std::size_t c) { return own[c] * other[c]; });
    }
    const double along = kernels::detail::is_clamped(by) ? 0 : cosines, scale = -2 * factor * by;
    team.each(d, [&](std::size_t c) {
      double sum = 0;
      for (std::size_t v = 0; v < views; ++v) {
        const std::size_t at = v * images + image;
        if (v != own_view) sum += inverse[at] * y[at * d + c];
      }
      dy[row * d + c] = scale * (sum - along * by * own[c]);
      if (c == 0) parts[row] = factor * (double(views - 1) - cosines);
    });
  }
};

}  // namespace detail

/// Whitening MSE (W-MSE, Ermolov et al. 2021, eq. 5): every view's embeddings are whitened by the Cholesky
/// factor of their covariance, and 2 - 2·cos of the views of an image is averaged over all pairs. Gradients
/// pass through the whitening of all views.
struct whitening_mse {
  static constexpr bool compares_with_target = false;
  static constexpr std::string_view collapse_advice =
      "Whitening should prevent this. Try sub-batches of at least twice as many images as "
      "embeddings have dimensions, a larger epsilon, and a smaller learning rate.";
  /// Images of a random order that are whitened together, which divide the batch. A batch that has no more is
  /// whitened as a whole. The paper advises twice the embedding's width or more.
  std::size_t sub_batch = 128;
  std::size_t repetitions = 1;  ///< orders, whose losses are averaged
  double epsilon = 0;           ///< share of the identity in the covariance, in [0, 1)

  friend bool operator==(const whitening_mse&, const whitening_mse&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(sub_batch > 1, "whitening_mse: sub_batch ", sub_batch, " must be more than one image");
    expects(repetitions > 0, "whitening_mse: repetitions 0 leave no loss");
    expects(0 <= epsilon && epsilon < 1, "whitening_mse: epsilon ", epsilon, " must be in [0, 1)");
  }

  /// What the orders of images depend on.
  template <class Context, Shape Prediction, Shape Embedding>
  struct state : detail::step_draws<Context> {
    void start(Context& context, const whitening_mse&, std::uint64_t seed) {
      detail::step_draws<Context>::start(context, seed);
    }
  };

  /// Returns the loss of batch.p (views·n, D) and adds its gradient to batch.dp. Throws std::invalid_argument
  /// for less than two views, and where the covariance of as many images is singular.
  template <class Context, Shape S, Shape Embedding>
  typename Context::loss_value operator()(Context& context, const loss_batch<Context, S, Embedding>& batch,
                                          state<Context, S, Embedding>& draws) const {
    using T = typename Context::activation;
    constexpr std::size_t d = S::size;
    const std::size_t n = batch.images, views = batch.views, rows = n * views;
    const std::size_t size = n < sub_batch ? n : sub_batch;
    detail::expects_rows("whitening_mse", batch);
    expects(views > 1, "whitening_mse: a single view has nothing to be compared with");
    expects(size > (epsilon > 0 ? 1 : d), "whitening_mse: the covariance of ", d, " variables over ", size,
            " images is singular; take a larger batch and sub_batch, or an epsilon above 0");
    expects(n % size == 0, "whitening_mse: ", n, " images are not sub-batches of ", size);

    const detail::loss_operations at{context};
    const std::size_t sets = n / size * views, runs = sets * detail::runs_of(size);
    double *const means = at.doubles(sets * d), *const diagonals = at.doubles(sets * d);
    double *const matrices = at.doubles(sets * d * d), *const triangles = at.doubles(sets * d * d);
    double *const y = at.doubles(rows * d), *const dy = at.doubles(rows * d);
    double *const inverse = at.doubles(rows), *const parts = at.doubles(rows * repetitions);
    const double factor = 1 / (double(n) * double(views * (views - 1) / 2) * double(repetitions));
    const T* const z = batch.p.data;
    for (std::size_t r = 0; r < repetitions; ++r) {
      const detail::whitening_sets of{
          n, d, size,
          size < n ? detail::random_order(at, n, repetitions, r, draws.seed(), draws.steps()) : nullptr};
      at.for_each_row(sets * d, detail::mean_of_set<T>{of, z, means});
      at.for_each_row(sets * d, detail::covariance_of_set<T>{of, epsilon, z, means, matrices});
      at.for_each_row(sets, detail::cholesky{d, matrices, diagonals});
      at.for_each_row(runs, detail::whiten_images<T>{of, z, means, matrices, diagonals, y, inverse});
      at.for_each_row(rows, detail::whitened_row{n, d, views, factor, y, inverse, dy, parts + r * rows});
      at.for_each_row(sets * d, detail::triangle_of_set{of, y, dy, triangles});
      at.for_each_row(sets, detail::divide_triangle{d, matrices, diagonals, triangles});
      at.for_each_row(runs,
                      detail::unwhiten_images<T>{of, epsilon, z, means, matrices, diagonals, triangles, dy});
      at.for_each_row(sets * d, detail::add_centred_column<T>{of, dy, batch.dp.data});
    }
    return at.sum(rows * repetitions, parts);
  }

  template <class Context, Shape Prediction, Shape Embedding>
  void commit(Context& context, state<Context, Prediction, Embedding>& draws) const {
    draws.commit(context);
  }
};

}  // namespace pretext::inline v0_1
