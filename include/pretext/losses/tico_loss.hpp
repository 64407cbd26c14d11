// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
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
#include <pretext/losses/detail/expects_rows.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/detail/unit_rows.hpp>
#include <pretext/losses/loss_batch.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// One row of the covariance after a step, and the same in the type of the operands of products.
template <class T, class W>
struct move_covariance {
  std::size_t images, columns;
  double beta;
  const W *before, *products;
  W* after;
  T* operand;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const std::size_t first = row * columns;
    const double share = (1 - beta) / double(images);
    team.each(columns, [&](std::size_t c) {
      const double value = beta * double(before[first + c]) + share * double(products[first + c]);
      after[first + c] = static_cast<W>(value);
      operand[first + c] = static_cast<T>(value);
    });
  }
};

/// One embedding: its distance from the target, its share of the covariance, and the gradient of both.
template <class T>
struct tico_row {
  std::size_t columns;
  double rho, factor;
  const T *u, *target, *u_covariance;
  T* du;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const T *const own = u + row * columns, *const other = target + row * columns;
    const T* const product = u_covariance + row * columns;
    T* const to = du + row * columns;
    const double weight = rho;
    const double value = team.sum(columns, [&](std::size_t c) {
      return double(own[c]) * (weight * double(product[c]) - double(other[c]));
    });
    team.each(columns, [&](std::size_t c) {
      to[c] = static_cast<T>(factor * (2 * weight * double(product[c]) - double(other[c])));
      if (c == 0) parts[row] = factor * (1 + value);
    });
  }
};

}  // namespace detail

/// Transformation invariance and covariance contrast (TiCo, Zhu et al. 2022, eq. 6): 1 minus the cosine of an
/// embedding and the target's of the other view, plus rho times the mean of uᵀCu, where C is a moving average
/// of the second moments of unit embeddings, which begins at 0 and includes the batch. C has no gradient.
struct tico_loss {
  static constexpr bool compares_with_target = true;
  static constexpr std::string_view collapse_advice =
      "The covariance term should prevent this. Try a larger rho, a smaller learning rate or a "
      "longer warm-up, and a target that moves more slowly.";
  double beta = 0.9;  ///< what C keeps of itself in a step, in [0, 1)
  double rho = 8;     ///< 20 in the second version of the paper

  friend bool operator==(const tico_loss&, const tico_loss&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(0 <= beta && beta < 1, "tico_loss: beta ", beta, " must be in [0, 1)");
    expects(rho >= 0 && detail::is_finite(rho), "tico_loss: rho ", rho, " must be finite and not negative");
  }

  /// The covariance matrix.
  template <class Context, Shape Prediction, Shape Embedding>
  struct state {
    using W = typename Context::weight;
    static constexpr std::size_t size = Prediction::size * Prediction::size;
    buffer<W, typename Context::device> covariance, next;

    void start(Context&, const tico_loss&, std::uint64_t) {
      covariance = buffer<W, typename Context::device>{size};
      next = buffer<W, typename Context::device>{size};
    }
    template <class Visitor>
    void for_each_buffer(Visitor&& visit) {
      visit(std::string_view{"covariance"}, covariance.data(), covariance.size());
    }
  };

  /// Returns the loss of batch.p (n, D) and adds its gradient to batch.dp. Throws std::invalid_argument
  /// unless each network has seen one view.
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context& context, const loss_batch<Context, S, S>& batch,
                                          state<Context, S, S>& memory) const {
    using T = typename Context::activation;
    using W = typename Context::weight;
    using kernels::op;
    constexpr std::size_t d = S::size;
    const std::size_t n = batch.images;
    detail::expects_rows("tico_loss", batch);
    expects(batch.views == 1 && batch.target_views == 1, "tico_loss: ", batch.views,
            " views of embeddings and ", batch.target_views, " of the target's; it compares one of each");
    const detail::loss_operations at{context};
    const detail::unit_rows<Context> u{context, n, d, batch.p.data}, target{context, n, d, batch.target.data};
    W* const products = at.weights(d * d);
    T *const covariance = at.activations(d * d), *const u_covariance = at.activations(n * d),
             *const du = at.activations(n * d);
    double* const parts = at.doubles(n);
    at.product(op::transposed, op::none, d, d, n, u.data(), u.data(), products);
    at.for_each_row(d, detail::move_covariance<T, W>{n, d, beta, memory.covariance.data(), products,
                                                     memory.next.data(), covariance});
    at.product(op::none, op::none, n, d, d, u.data(), covariance, u_covariance);
    at.for_each_row(
        n, detail::tico_row<T>{d, rho, 1 / double(n), u.data(), target.data(), u_covariance, du, parts});
    u.add_gradient(context, 1, du, batch.dp.data);
    return at.sum(n, parts);
  }

  /// Moves the covariance.
  template <class Context, Shape Prediction, Shape Embedding>
  void commit(Context& context, state<Context, Prediction, Embedding>& memory) const {
    using W = typename Context::weight;
    kernels::for_each_row_after_step(
        context, Prediction::size,
        detail::copy_row<W, W>{Prediction::size, memory.next.data(), memory.covariance.data()});
  }
};

}  // namespace pretext::inline v0_1
