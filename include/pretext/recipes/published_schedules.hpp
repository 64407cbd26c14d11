// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <optional>
#include <variant>

#include <pretext/core/expects.hpp>
#include <pretext/optimizers/schedule.hpp>
#include <pretext/recipes/pretraining_preset.hpp>
#include <pretext/recipes/published_settings.hpp>

namespace pretext::inline v0_1 {

/// One of the schedules of published settings.
struct published_schedule {
  std::variant<constant_schedule, cosine_schedule, per_epoch_schedule<cosine_schedule>,
               one_based_schedule<cosine_schedule>, cosine_momentum_schedule, linear_schedule,
               linspace_schedule, per_epoch_schedule<linspace_schedule>>
      formula;

  double operator()(double step) const {
    return std::visit([step](const auto& schedule) -> double { return schedule(step); }, formula);
  }
};

/// Published settings by step, for a training of some length. `values_at` (training/published_values.hpp)
/// makes the values of a trainer's step of them.
struct published_schedules {
  published_schedule learning_rate{constant_schedule{}};
  std::optional<published_schedule> weight_decay{};  ///< where it changes; else the optimizer has it
  std::optional<published_schedule> target_momentum{};
  std::optional<published_schedule> target_temperature{};  ///< where it changes; else the loss has it
  std::optional<double> group_rate{};                      ///< the constant learning rate of group 1
  double frozen_steps = 0;                                 ///< steps in which group 1 does not learn
  bool frozen_by_rate = false;                             ///< its learning rate is 0 then
};

/// The published length on so many images; throws std::invalid_argument if the source gives no batch or no
/// number of epochs.
inline training_length length_of(const published_settings& settings, std::size_t images) {
  expects(settings.batch && settings.epochs, "length_of: the source of ", settings.method, " gives no ",
          settings.batch ? "number of epochs" : "batch", "; make a training_length of your own");
  // Where an epoch is a number of steps, it does not depend on the images.
  const std::size_t seen = settings.steps_per_epoch ? *settings.steps_per_epoch * *settings.batch : images;
  return {.images = seen, .batch = *settings.batch, .epochs = *settings.epochs};
}

namespace detail {

inline published_schedule published_rate(const published_settings& settings, double peak, double epoch,
                                         double epochs) {
  // In epochs where the rate is constant within one, else in steps.
  const double unit = settings.rate_per_epoch ? 1 : epoch;
  const double end = settings.end_rate ? *settings.end_rate : peak * settings.end_fraction.value_or(0);
  const cosine_schedule rate{.peak = peak,
                             .warmup = settings.warmup_epochs.value_or(0) * unit,
                             .length = epochs * unit,
                             .end = end,
                             .start = settings.start_rate.value_or(0),
                             .ramp = settings.ramp};
  if (settings.rate_per_epoch) return {per_epoch_schedule<cosine_schedule>{rate, epoch}};
  if (settings.first_step_is_one) return {one_based_schedule<cosine_schedule>{rate}};
  return {rate};
}

inline published_schedule published_momentum(const published_settings& settings, double steps) {
  const double from = *settings.target_momentum, to = settings.target_momentum_end.value_or(from);
  switch (settings.momentum) {
    case momentum_course::linear:
      return {linear_schedule{.from = from, .to = to, .length = steps}};
    case momentum_course::cosine:
      return {cosine_momentum_schedule{.base = from, .length = steps, .end = to}};
    case momentum_course::constant:
      break;
  }
  return {constant_schedule{from}};
}

inline published_schedule published_temperature(const published_settings& settings, double epoch) {
  const double points = settings.target_temperature_epochs.value_or(0);
  linspace_schedule rise{*settings.target_temperature, *settings.target_temperature_end, points};
  if (!settings.target_temperature_per_step) return {per_epoch_schedule<linspace_schedule>{rise, epoch}};
  rise.points *= epoch;
  return {rise};
}

}  // namespace detail

/// The schedules of settings for a training, with the peak learning rate for its batch. What the source does
/// not give is 0: warm-up and the rate at the end. Throws std::invalid_argument if it gives no learning rate,
/// or if an epoch has no whole batch.
inline published_schedules schedules_of(const published_settings& settings, const training_length& length) {
  expects(settings.rate.has_value(), "schedules_of: the source of ", settings.method,
          " gives no learning rate; set `rate`");
  expects(length.batch > 0 && length.images >= length.batch, "schedules_of: ", length.images,
          " images are less than a batch of ", length.batch, "; choose a smaller batch");
  const auto epochs = static_cast<double>(length.epochs);
  const auto epoch = static_cast<double>(length.images / length.batch);
  const double steps = epoch * epochs, peak = (*settings.rate)(length.batch);
  published_schedules result{.learning_rate = detail::published_rate(settings, peak, epoch, epochs)};
  if (settings.weight_decay_end) {
    const cosine_schedule decay{
        .peak = settings.weight_decay().value_or(0), .length = steps, .end = *settings.weight_decay_end};
    if (settings.first_step_is_one)
      result.weight_decay = published_schedule{one_based_schedule<cosine_schedule>{decay}};
    else
      result.weight_decay = published_schedule{decay};
  }
  if (settings.target_momentum) result.target_momentum = detail::published_momentum(settings, steps);
  if (settings.target_temperature && settings.target_temperature_end)
    result.target_temperature = detail::published_temperature(settings, epoch);
  if (settings.constant_group_rate) result.group_rate = peak;
  result.frozen_steps = settings.frozen_steps
                            ? static_cast<double>(*settings.frozen_steps)
                            : epoch * static_cast<double>(settings.frozen_epochs.value_or(0));
  result.frozen_by_rate = settings.frozen_by_rate;
  return result;
}

}  // namespace pretext::inline v0_1
