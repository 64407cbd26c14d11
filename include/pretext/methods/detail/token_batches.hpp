// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/kernels/elementwise.hpp>
#include <pretext/losses/patch_distillation.hpp>
#include <pretext/methods/detail/whole_batch.hpp>

namespace pretext::inline v0_1::detail {

/// The loss of masked patches: those of all shards. Writes the gradient of the student's scores.
template <class Context, class Loss, class State, Shape S>
typename Context::loss_value whole_batch_patches(Context& context, const Loss& loss,
                                                 const token_batch<Context, S>& own, State& state) {
  using T = typename Context::activation;
  if (context.communicator) {
    const arena_scope guard{context.workspace};
    auto all = own;
    const std::size_t shards = context.communicator->shards(), rows = own.images * own.tokens;
    auto* const masked = context.workspace.template allocate<std::uint8_t>(rows * shards);
    context.communicator->all_gather(context.stream, own.masked, masked, rows);
    all.images = own.images * shards;
    all.masked = masked;
    all.p = gather_views<Context, S>(context, 1, own.p);
    all.target = gather_views<Context, S>(context, 1, own.target);
    all.dp = context.workspace.template allocate<T, S>(all.p.batch);
    Context::device::clear(context.stream, all.dp.data, all.dp.size());
    const typename Context::loss_value value = loss(context, all, state);
    kernels::elementwise<typename Context::device>::copy(
        context, own.dp.size(),
        static_cast<const T*>(all.dp.data + context.communicator->shard() * own.dp.size()), own.dp.data);
    return value;
  }
  Context::device::clear(context.stream, own.dp.data, own.dp.size());
  return loss(context, own, state);
}

/// The loss of the features of stacked views; adds its gradient to dh.
template <Shape Feature, class Context, class Loss>
typename Context::loss_value add_feature_loss(Context& context, const Loss& loss, std::size_t images,
                                              std::size_t views, reads<Context, Feature> h,
                                              writes<Context, Feature> dh) {
  using T = typename Context::activation;
  const arena_scope guard{context.workspace};
  const auto slope = context.workspace.template allocate<T, Feature>(h.batch);
  no_loss_state none;
  const auto value = whole_batch_loss(
      context, loss, loss_batch<Context, Feature>{.images = images, .views = views, .p = h, .dp = slope},
      none);
  kernels::elementwise<typename Context::device>::axpy(context, slope.size(), typename Context::weight{1},
                                                       static_cast<const T*>(slope.data), dh.data);
  return value;
}

}  // namespace pretext::inline v0_1::detail
