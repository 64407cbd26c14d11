// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <tuple>

#include <pretext/core/arena.hpp>
#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/distributed/communicator.hpp>

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

/// The loss of stacked views: of the embeddings `compared`, the same number of rows of each shard. Writes the
/// gradient of the first of them.
template <class Context, class Loss, Shape S, class... Compared>
typename Context::loss_value whole_batch_loss(Context& context, const Loss& loss, std::size_t views,
                                              writes<Context, S> gradient, const Compared&... compared) {
  using T = typename Context::activation;
  if constexpr (distributed::has_collectives<typename Context::device>) {
    if (context.communicator) {
      const arena_scope guard{context.workspace};
      const std::tuple all{
          gather_views<Context, S>(context, views, compared)...};  // in this order everywhere
      const auto dall = context.workspace.template allocate<T, S>(std::get<0>(all).batch);
      Context::device::clear(context.stream, dall.data, dall.size());
      const typename Context::loss_value value =
          std::apply([&](const auto&... each) { return loss(context, each..., dall); }, all);
      const std::size_t shards = context.communicator->shards(), shard = context.communicator->shard();
      const std::size_t part = gradient.size() / views;
      for (std::size_t view = 0; view < views; ++view)
        std::copy_n(dall.data + (view * shards + shard) * part, part, gradient.data + view * part);
      return value;
    }
  }
  Context::device::clear(context.stream, gradient.data, gradient.size());
  return loss(context, compared..., gradient);
}

/// The loss of the whole batch from this shard's share.
template <class Context>
typename Context::loss_value sum_of_shards(Context& context, typename Context::loss_value share) {
  if constexpr (distributed::has_collectives<typename Context::device>)
    distributed::all_reduce(context, &share, 1);
  return share;
}

}  // namespace pretext::inline v0_1::detail
