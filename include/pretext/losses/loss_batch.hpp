// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <pretext/core/context.hpp>
#include <pretext/core/device_scalar.hpp>
#include <pretext/core/loss_values.hpp>
#include <pretext/core/shape.hpp>
#include <pretext/core/tensor.hpp>

namespace pretext::inline v0_1 {

/// The rows that a loss compares. Rows are stacked by view: with n images, row v·n + i is view v of image i.
template <class Context, Shape Prediction, Shape Embedding = Prediction>
struct loss_batch {
  std::size_t images = 0;        ///< n
  std::size_t views = 2;         ///< of each image that the online network has seen
  std::size_t target_views = 0;  ///< of each image that the target has seen; 0 without a target
  /// The target's row v·n + i is view `first_target_view` + v of image i.
  std::size_t first_target_view = 0;
  reads<Context, Prediction> p{};    ///< predictions, or embeddings where there is no predictor
  writes<Context, Prediction> dp{};  ///< a loss adds its gradient to this
  reads<Context, Embedding> target{};
  const std::int64_t* labels = nullptr;  ///< class of each image, in the device's memory; null: unknown
  device_scalar<loss_values> values{};
  std::size_t first_value = 0;  ///< the slot of the loss's first scheduled name: not 0 for parts of a sum

  /// Runs the predictor on other embeddings than those of the batch, without gradient: SwAV's queue.
  void predict(Context& context, reads<Context, Embedding> rows, writes<Context, Prediction> to) const {
    run_predictor(predictor, context, rows, to);
  }
  const void* predictor = nullptr;
  void (*run_predictor)(const void*, Context&, reads<Context, Embedding>,
                        writes<Context, Prediction>) = nullptr;
};

/// The memory of losses that remember nothing between steps.
struct no_loss_state {
  template <class Context, class Loss>
  void start(Context&, const Loss&, std::uint64_t) {}
  template <class Visitor>
  void for_each_buffer(Visitor&&) {}
};

namespace detail {
template <class Loss, class Context, class Prediction, class Embedding>
struct loss_state {
  using type = no_loss_state;
};
template <class Loss, class Context, class Prediction, class Embedding>
  requires requires { typename Loss::template state<Context, Prediction, Embedding>; }
struct loss_state<Loss, Context, Prediction, Embedding> {
  using type = typename Loss::template state<Context, Prediction, Embedding>;
};
}  // namespace detail

/// What a loss remembers between steps (a queue, a centre, a covariance): its member template `state<Context,
/// Prediction, Embedding>`, which is default constructible and has
///   * `start(context, loss, seed)`: allocates its buffers and gives them their initial values;
///   * `for_each_buffer(visit)`: calls `visit(name, data, count)` for everything that a checkpoint must hold.
/// `loss(context, batch, state)` reads it, and stores what the step will change in memory of the state's own;
/// `loss.commit(context, state)` makes the change after the optimizer's step, so that a step whose loss is
/// NaN or infinite leaves the state as it was. With shards, all of them have the same state.
template <class Loss, class Context, Shape Prediction, Shape Embedding = Prediction>
using loss_state_of = typename detail::loss_state<Loss, Context, Prediction, Embedding>::type;

}  // namespace pretext::inline v0_1
