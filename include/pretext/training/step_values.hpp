// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>

namespace pretext::inline v0_1 {

/// The hyper-parameters of one training step, as schedules give them.
struct step_values {
  double learning_rate = 0;
  /// The fraction of its old value that an EMA target retains, in [0, 1]; without one the `momentum` of the
  /// method's target applies.
  std::optional<double> target_momentum{};
  double drop_path = 0;  ///< drop rate of a transformer's last residual branches, in [0, 1)
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
  double drop_path = 0;  ///< see step_values
};

namespace detail {
/// The learning rate of a step; throws std::invalid_argument if a schedule made it negative, NaN or infinite.
inline double checked_learning_rate(double rate) {
  expects(rate >= 0 && is_finite(rate), "trainer: learning_rate ", rate,
          " must be a finite number that is not negative");
  return rate;
}
}  // namespace detail

}  // namespace pretext::inline v0_1
