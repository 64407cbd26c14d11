// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>
#include <string_view>

#include <pretext/core/expects.hpp>
#include <pretext/losses/composition.hpp>
#include <pretext/recipes/published_schedules.hpp>
#include <pretext/training/step_values.hpp>

namespace pretext::inline v0_1 {

/// The values of a step, counted from 0, of published settings. `scheduled` are the loss's scheduled names:
/// those of a teacher's temperature get the target's temperature. Throws std::invalid_argument if that
/// changes from step to step and the loss does not schedule it.
inline step_values values_at(const published_schedules& schedules, std::size_t step,
                             std::span<const std::string_view> scheduled = {}) {
  const auto at = static_cast<double>(step);
  step_values values{.learning_rate = schedules.learning_rate(at)};
  if (schedules.weight_decay) values.weight_decay = (*schedules.weight_decay)(at);
  if (schedules.target_momentum) values.target_momentum = (*schedules.target_momentum)(at);
  group_values& group = values.groups[0];
  group.learning_rate = schedules.group_rate;
  if (at < schedules.frozen_steps) {
    if (schedules.frozen_by_rate)
      group.learning_rate = 0;
    else
      group.frozen = true;
  }
  if (schedules.target_temperature) {
    bool found = false;
    for (std::size_t slot = 0; slot < scheduled.size() && slot < loss_values::most; ++slot)
      if (scheduled[slot].starts_with("teacher") && scheduled[slot].ends_with("temperature")) {
        values.loss.of[slot] = (*schedules.target_temperature)(at);
        found = true;
      }
    expects(
        found,
        "values_at: the teacher's temperature changes from step to step, but the loss schedules none; give "
        "values_at the loss's type, values_at<self_distillation>(schedules, step)");
  }
  return values;
}

/// The same for a loss of this type.
template <class Loss>
step_values values_at(const published_schedules& schedules, std::size_t step) {
  static constexpr auto names = detail::scheduled_of<Loss>;
  return values_at(schedules, step, std::span<const std::string_view>{names});
}

}  // namespace pretext::inline v0_1
