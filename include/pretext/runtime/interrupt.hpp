#pragma once
#include <atomic>
#include <csignal>

namespace pretext::inline v0_1 {

namespace detail {
// A signal handler may touch little more than a lock-free atomic: hence the global.
inline std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);
extern "C" inline void pretext_request_stop(int) {
  stop_requested.store(true);
  std::signal(SIGINT, SIG_DFL);  // a second Ctrl-C ends the program at once
}
}  // namespace detail

/// While it exists, Ctrl-C (SIGINT) and SIGTERM set a flag instead of ending the program, so that a run can
/// save and stop. A second Ctrl-C ends the program at once. The destructor restores the previous handlers.
/// Signal handlers belong to the process: create at most one at a time.
class interrupt_guard {
 public:
  interrupt_guard()
      : previous_int_{std::signal(SIGINT, detail::pretext_request_stop)},
        previous_term_{std::signal(SIGTERM, detail::pretext_request_stop)} {
    detail::stop_requested.store(false);
  }
  interrupt_guard(const interrupt_guard&) = delete;
  interrupt_guard& operator=(const interrupt_guard&) = delete;
  ~interrupt_guard() {
    std::signal(SIGINT, previous_int_);
    std::signal(SIGTERM, previous_term_);
  }

  /// Has a signal arrived since the guard was created? Any thread may call it.
  static bool stop_requested() { return detail::stop_requested.load(); }

 private:
  void (*previous_int_)(int);
  void (*previous_term_)(int);
};

}  // namespace pretext::inline v0_1
