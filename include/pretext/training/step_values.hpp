// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <pretext/core/context.hpp>
#include <pretext/core/device_scalar.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/core/loss_values.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/core/random.hpp>
#include <pretext/core/step_rates.hpp>

namespace pretext::inline v0_1 {

/// What one training step does differently with the parameters of a group (`in_group`).
struct group_values {
  std::optional<double>
      learning_rate{};  ///< without one, that of the step; 0: momentum goes on, weights stay
  bool frozen = false;  ///< no update, no decay, no momentum; AdamW counts no step
};

/// The hyper-parameters of one training step, as schedules give them.
struct step_values {
  double learning_rate = 0;
  /// The fraction of its old value that an EMA target retains, in [0, 1]; without one the `momentum` of the
  /// method's target applies.
  std::optional<double> target_momentum{};
  double drop_path = 0;                  ///< drop rate of a transformer's last residual branches, in [0, 1)
  std::optional<double> weight_decay{};  ///< without one, the optimizer's
  std::array<group_values, step_rates::groups - 1> groups{};  ///< of groups 1, 2 and 3
  loss_values loss{};                                         ///< what the loss has scheduled
};

/// One training step on views that the caller has made: the hyper-parameters, and the keys of its samples.
/// Methods that draw random numbers (masks, dropped paths) need `samples`; the draws then depend on seed,
/// epoch and sample alone, neither on the batch's size nor on interruptions.
struct training_step {
  double learning_rate = 0;
  std::optional<double> target_momentum{};   ///< see step_values
  std::span<const std::uint64_t> samples{};  ///< index of each image in the data set, in host memory
  std::uint64_t seed = 1;
  std::uint32_t epoch = 0;
  double drop_path = 0;                                       ///< see step_values
  std::optional<double> weight_decay{};                       ///< see step_values
  std::array<group_values, step_rates::groups - 1> groups{};  ///< see step_values
  loss_values loss{};                                         ///< see step_values
};

/// The values of a step that kernels read. A queue stores them in the device's memory, so that a recorded
/// step is replayed with other values.
struct device_step_values {
  step_rates rates{};
  double target_momentum = 1;
  loss_values loss{};

  /// The step with these values.
  step_context given(const sample_keys& keys, double drop_path) const {
    return {.rates = rates,
            .target_momentum = target_momentum,
            .loss = loss,
            .keys = keys,
            .drop_path = drop_path};
  }
  /// The step with the values that are at an address in the device's memory when it is executed.
  static step_context stored(const device_step_values* at, const sample_keys& keys, double drop_path) {
    return {.rates = device_scalar<step_rates>::at_address(&at->rates),
            .target_momentum = device_scalar<double>::at_address(&at->target_momentum),
            .loss = device_scalar<loss_values>::at_address(&at->loss),
            .keys = keys,
            .drop_path = drop_path};
  }
};

namespace detail {

/// A training_step without its samples.
inline step_values values_of(const training_step& step) {
  return {.learning_rate = step.learning_rate,
          .target_momentum = step.target_momentum,
          .drop_path = step.drop_path,
          .weight_decay = step.weight_decay,
          .groups = step.groups,
          .loss = step.loss};
}

/// A value of a step; throws std::invalid_argument if a schedule made it negative, NaN or infinite.
template <class... Name>
double checked_value(double value, const Name&... name) {
  expects(value >= 0 && is_finite(value), "trainer: ", name..., " ", value,
          " must be a finite number that is not negative");
  return value;
}

/// The rates of a step for parameters of this table.
inline step_rates checked_rates(const step_values& step, std::span<const parameter> table) {
  step_rates rates = checked_value(step.learning_rate, "learning_rate");
  if (step.weight_decay) rates.weight_decay = checked_value(*step.weight_decay, "weight_decay");
  for (unsigned group = 1; group < step_rates::groups; ++group) {
    const group_values& given = step.groups[group - 1];
    if (!given.learning_rate && !given.frozen) continue;
    expects(std::any_of(table.begin(), table.end(), [=](const parameter& p) { return p.group == group; }),
            "trainer: the step has values for group ", group,
            ", but the method has no parameters in it; put a layer there with in_group<", group, ", layer>");
    if (given.learning_rate)
      rates.learning_rate[group] = checked_value(*given.learning_rate, "learning_rate of group ", group);
    if (given.frozen) rates.freeze(group);
  }
  return rates;
}

/// The hyper-parameters of a loss; throws std::invalid_argument if a schedule made one NaN or infinite.
inline loss_values checked_loss_values(const loss_values& values) {
  for (const double value : values.of)
    expects(is_finite(value), "trainer: a value of the loss in this step is ", value,
            "; it must be finite, or negative where it is not given");
  return values;
}

}  // namespace detail

}  // namespace pretext::inline v0_1
