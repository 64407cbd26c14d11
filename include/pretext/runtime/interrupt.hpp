// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <stdexcept>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1 {

namespace detail {
// A signal handler may touch little more than a lock-free atomic: hence the global.
inline std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);
extern "C" inline void pretext_request_stop(int signal) {
  stop_requested.store(true);
  if (signal == SIGINT) std::signal(SIGINT, SIG_DFL);  // a second Ctrl-C ends the program at once
}
}  // namespace detail

/// Thrown by work between two steps, such as an evaluation, that ends early because a stop was requested.
class interrupted : public std::runtime_error {
 public:
  interrupted() : std::runtime_error{"interrupted by a signal"} {}
};

/// While it exists, Ctrl-C (SIGINT), SIGTERM and SIGHUP set a flag instead of ending the program, so that a
/// run can save and stop; a SIGHUP that is ignored, as under nohup, stays ignored. A second Ctrl-C ends the
/// program at once; a second SIGTERM does not, because schedulers send it to a process and to its group.
/// SIGPIPE and SIGXFSZ are ignored, so that a closed pipe does not end the run and a file that may not grow
/// is an error of the write. The destructor withdraws the request and restores the previous handlers. Signal
/// handlers belong to the process: create at most one guard at a time.
class interrupt_guard {
 public:
  interrupt_guard() {
    detail::stop_requested.store(false);
    for (std::size_t i = 0; i < signals.size(); ++i)
      previous_[i] = std::signal(signals[i], i < stopping ? detail::pretext_request_stop : SIG_IGN);
    if (previous_[hangup] == SIG_IGN) std::signal(SIGHUP, SIG_IGN);
  }
  interrupt_guard(const interrupt_guard&) = delete;
  interrupt_guard& operator=(const interrupt_guard&) = delete;
  ~interrupt_guard() {
    detail::stop_requested.store(false);
    for (std::size_t i = 0; i < signals.size(); ++i) std::signal(signals[i], previous_[i]);
  }

  /// Has a signal arrived since the guard was created? Any thread may call it.
  static bool stop_requested() { return detail::stop_requested.load(); }

 private:
  static constexpr std::array<int, 5> signals{SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
  static constexpr std::size_t stopping = 3, hangup = 2;  // the first three ask for a stop

  std::array<void (*)(int), signals.size()> previous_{};
};

}  // namespace pretext::inline v0_1
