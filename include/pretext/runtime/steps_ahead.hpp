#pragma once
#include <algorithm>
#include <cstddef>

namespace pretext {

/// How many steps a run may ask of a device before it looks up from them, judged by how long the last ones
/// took: whoever presses Ctrl-C or watches the progress waits that long.
class steps_ahead {
 public:
  /// Not to look for so many seconds at most.
  explicit steps_ahead(double max_wait) : max_wait_{max_wait} {}

  /// Those of `most` steps that end in time, and within so many seconds: one at least.
  std::size_t steps(std::size_t most, double seconds) const {
    const double fit = std::min(seconds, max_wait_) / per_step_;
    if (!(fit > 1)) return 1;
    return fit >= static_cast<double>(most) ? most : static_cast<std::size_t>(fit);
  }

  void report_duration(std::size_t steps, double seconds) {
    per_step_ = std::max(seconds, 1e-6) / static_cast<double>(steps);
  }

 private:
  double max_wait_, per_step_ = max_wait_;  // nobody knows before the first
};

}  // namespace pretext
