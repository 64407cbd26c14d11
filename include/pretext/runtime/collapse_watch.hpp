// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/evaluation/collapse.hpp>
#include <pretext/runtime/any_trainer.hpp>
#include <pretext/runtime/run_state.hpp>

namespace pretext::inline v0_1::detail {

/// Tests the embeddings of the last step for collapse. The trainer's embeddings must not be empty.
inline collapse_report test_last_embeddings(any_trainer& trainer) {
  const auto z = trainer.last_embeddings();
  return detect_collapse(
      feature_table{z.values.size() / z.width, z.width, {z.values.begin(), z.values.end()}, {}}, {}, z.views);
}

/// Are embeddings as alike as they were after the first step, at most twice? The class tokens of a vision
/// transformer are nearly the same for all images before it is trained, and training drives them apart.
inline bool as_alike_as_at_start(const collapse_report& now, const run_state& state) {
  return now.std > state.first_spread / 2 && now.effective_rank > state.first_rank / 2;
}

/// Does a run of `steps` steps end because of this report? Not in its first tenth, in which embeddings may
/// look collapsed, nor in its first half if they looked so after the first step and are no more alike now.
/// NaN and infinity end it at once.
inline bool ends_run(const collapse_report& now, const run_state& state, std::size_t steps) {
  if (now.not_finite > 0) return true;
  if (!now.collapsed || state.step < steps / 10) return false;
  return !state.collapsed_at_start || state.step >= steps / 2 || !as_alike_as_at_start(now, state);
}

}  // namespace pretext::inline v0_1::detail
