// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>

#include <pretext/losses/concepts.hpp>
#include <pretext/losses/loss_batch.hpp>

namespace pretext::inline v0_1 {

/// Is there anything that the loss remembers between steps?
template <class Loss, class Context, class Prediction, class Embedding = Prediction>
concept RemembersSteps = !std::same_as<loss_state_of<Loss, Context, Prediction, Embedding>, no_loss_state>;

/// The value of a loss of any kind for a batch, with its gradient added to `batch.dp`. A JointLoss compares
/// the rows of `batch.p`, a PredictiveLoss compares them with those of `batch.target`.
template <class Context, class Loss, Shape Prediction, Shape Embedding, class State>
typename Context::loss_value call_loss(Context& context, const Loss& loss,
                                       const loss_batch<Context, Prediction, Embedding>& batch,
                                       State& state) {
  if constexpr (requires { loss(context, batch, state); })
    return loss(context, batch, state);
  else if constexpr (requires { loss(context, batch); })
    return loss(context, batch);
  else if constexpr (requires { loss(context, batch.p, batch.dp); })
    return loss(context, batch.p, batch.dp);
  else
    return loss(context, batch.p, batch.target, batch.dp);
}

/// Makes the change of a loss's state that belongs to the step, if it has one.
template <class Context, class Loss, class State>
void commit_loss(Context& context, const Loss& loss, State& state) {
  if constexpr (requires { loss.commit(context, state); }) loss.commit(context, state);
}

}  // namespace pretext::inline v0_1
