// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::distributed {

/// How long a rank waits for the others before it calls them lost: long enough for a step that takes longer
/// than others, not so long that machines idle for hours.
class patience {
 public:
  using duration = std::chrono::milliseconds;  ///< of waits

  /// At least `least` in a step, which must not be negative.
  explicit patience(duration least = std::chrono::minutes{1}) : least_{least} {}

  /// Reports the duration of a step, waits included.
  void report(std::chrono::steady_clock::duration step) {
    longest_ = std::max(longest_, std::chrono::duration_cast<duration>(step));
  }

  /// In a step like those before: twenty times the longest one, or `least`.
  duration of_step() const { return std::max(least_, 20 * longest_); }
  /// In the first step, and while the first rank evaluates or saves: half an hour more.
  duration of_unknown_work() const { return of_step() + std::chrono::minutes{30}; }

 private:
  duration least_, longest_{0};
};

}  // namespace pretext::inline v0_1::distributed
