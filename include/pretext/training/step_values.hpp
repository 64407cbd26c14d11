#pragma once
#include <cstdint>
#include <optional>
#include <span>

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

}  // namespace pretext::inline v0_1
