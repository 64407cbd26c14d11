// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>

#include <pretext/core/arena.hpp>
#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/kernels/elementwise.hpp>
#include <pretext/losses/call_loss.hpp>
#include <pretext/losses/loss_batch.hpp>

// The loss of a batch that is cut into shards. A loss of embeddings compares each with all others and need
// not know of shards: every shard gathers the embeddings of all, computes the loss of the whole batch, and
// keeps the rows of the gradient that are its own. Gradients of parameters are then sums over the shards.
namespace pretext::inline v0_1::detail {

/// The stacked views of all shards, in the workspace: view 1 of every shard in their order, then view 2.
/// Throws std::invalid_argument if this shard's rows are not as many for each view.
template <class Context, Shape S>
reads<Context, S> gather_views(Context& context, std::size_t views, reads<Context, S> own) {
  using T = typename Context::activation;
  expects(own.batch % views == 0, own.batch, " rows of a shard are not ", views, " views of its images");
  const std::size_t shards = distributed::shards_of(context), part = own.size() / views;
  const auto all = context.workspace.template allocate<T, S>(own.batch * shards);
  for (std::size_t view = 0; view < views; ++view)
    context.communicator->all_gather(context.stream, own.data + view * part, all.data + view * part * shards,
                                     part * sizeof(T));
  return all;
}

/// The loss of stacked views: of the rows of all shards, as many of each. Writes the gradient of the
/// predictions.
template <class Context, class Loss, class State, Shape P, Shape E>
typename Context::loss_value whole_batch_loss(Context& context, const Loss& loss,
                                              const loss_batch<Context, P, E>& own, State& state) {
  using T = typename Context::activation;
  if (context.communicator) {
    const arena_scope guard{context.workspace};
    auto all = own;
    const std::size_t shards = context.communicator->shards(), shard = context.communicator->shard();
    all.images = own.images * shards;
    all.p = gather_views<Context, P>(context, own.views, own.p);
    if (own.target_views > 0) all.target = gather_views<Context, E>(context, own.target_views, own.target);
    if (own.labels) {
      auto* const labels = context.workspace.template allocate<std::int64_t>(all.images);
      context.communicator->all_gather(context.stream, own.labels, labels, own.images * sizeof(std::int64_t));
      all.labels = labels;
    }
    all.dp = context.workspace.template allocate<T, P>(all.p.batch);
    Context::device::clear(context.stream, all.dp.data, all.dp.size());
    const typename Context::loss_value value = call_loss(context, loss, all, state);
    const std::size_t part = own.dp.size() / own.views;
    for (std::size_t view = 0; view < own.views; ++view)
      kernels::elementwise<typename Context::device>::copy(
          context, part, static_cast<const T*>(all.dp.data + (view * shards + shard) * part),
          own.dp.data + view * part);
    return value;
  }
  Context::device::clear(context.stream, own.dp.data, own.dp.size());
  return call_loss(context, loss, own, state);
}

/// The loss of the whole batch from this shard's share.
template <class Context>
typename Context::loss_value sum_of_shards(Context& context, typename Context::loss_value share) {
  if (!context.communicator) return share;
  if constexpr (std::same_as<typename Context::loss_value, double>) {
    distributed::all_reduce(context, &share, 1);
    return share;
  } else {
    double* const sum = context.activations.template allocate<double>(1);
    share.store(context, sum);
    distributed::all_reduce(context, sum, 1);
    return typename Context::loss_value{sum};
  }
}

}  // namespace pretext::inline v0_1::detail
