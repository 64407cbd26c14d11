#pragma once
#include <atomic>
#include <csignal>

namespace pretext {

namespace detail {
inline std::atomic<bool> interrupt_asked{false};
extern "C" inline void pretext_ask_interrupt(int) {
  interrupt_asked.store(true);
  std::signal(SIGINT, SIG_DFL);  // a second Ctrl-C ends the program at once
}
}  // namespace detail

/// While it lives, Ctrl-C and SIGTERM are remembered instead of ending the program, so that a run can save
/// and leave.
class interrupt_guard {
 public:
  interrupt_guard()
      : before_{std::signal(SIGINT, detail::pretext_ask_interrupt)},
        before_term_{std::signal(SIGTERM, detail::pretext_ask_interrupt)} {
    detail::interrupt_asked.store(false);
  }
  interrupt_guard(const interrupt_guard&) = delete;
  interrupt_guard& operator=(const interrupt_guard&) = delete;
  ~interrupt_guard() {
    std::signal(SIGINT, before_);
    std::signal(SIGTERM, before_term_);
  }

  /// Has somebody asked the run to stop?
  static bool asked() { return detail::interrupt_asked.load(); }

 private:
  void (*before_)(int);
  void (*before_term_)(int);
};

}  // namespace pretext
