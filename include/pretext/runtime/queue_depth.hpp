// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1 {

/// How many training steps to queue on a device before the host waits for their losses, estimated from the
/// duration of the last ones. The host looks at the stop token and updates the progress display only between
/// two waits.
class queue_depth {
 public:
  /// The host waits at most about `max_wait` seconds at a time.
  explicit queue_depth(double max_wait) : max_wait_{max_wait} {}

  /// Steps to queue next: those that end within `max_wait` and within `seconds`, at least 1 and at most
  /// `max_steps`.
  std::size_t steps(std::size_t max_steps, double seconds) const {
    const double fit = std::min(seconds, max_wait_) / seconds_per_step_;
    if (!(fit > 1)) return 1;
    return fit >= static_cast<double>(max_steps) ? max_steps : static_cast<std::size_t>(fit);
  }

  /// Reports that the last `steps` steps took so many seconds together.
  void report(std::size_t steps, double seconds) {
    seconds_per_step_ = std::max(seconds, 1e-6) / static_cast<double>(steps);
  }

 private:
  double max_wait_, seconds_per_step_ = max_wait_;  // the first estimate queues one step
};

}  // namespace pretext::inline v0_1
