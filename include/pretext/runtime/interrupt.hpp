// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <system_error>
#include <thread>

#include <pretext/core/expects.hpp>

// Nothing else in the library touches signals: a training stops by a std::stop_token, and a program that
// wants Ctrl-C to request the stop makes an `interrupt_guard` and passes its token.

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

/// While it exists, Ctrl-C (SIGINT), SIGTERM, SIGHUP and SIGUSR1, which schedulers send before the end of a
/// job, request a stop of `token()` instead of ending the program, so that a run can save and stop:
/// `run_options{.stop = guard.token()}`. A SIGHUP that is ignored, as under nohup, stays ignored. A second
/// Ctrl-C ends the program at once; a second SIGTERM does not, because schedulers send it to a process and to
/// its group. SIGPIPE and SIGXFSZ are ignored, so that a closed pipe does not end the run and a file that may
/// not grow is an error of the write. The destructor withdraws the request and restores the previous
/// handlers. Signal handlers belong to the process: create at most one guard at a time.
class interrupt_guard {
 public:
  interrupt_guard() : watcher_{start_watcher()} {
    for (std::size_t i = 0; i < signals.size(); ++i)
      previous_[i] = std::signal(signals[i], i < stopping ? detail::pretext_request_stop : SIG_IGN);
    if (previous_[hangup] == SIG_IGN) std::signal(signals[hangup], SIG_IGN);
  }
  interrupt_guard(const interrupt_guard&) = delete;
  interrupt_guard& operator=(const interrupt_guard&) = delete;
  ~interrupt_guard() {
    detail::stop_requested.store(false);
    for (std::size_t i = 0; i < signals.size(); ++i) std::signal(signals[i], previous_[i]);
  }

  /// A stop is requested a few hundredths of a second after a signal has arrived. Any thread may use it.
  std::stop_token token() const { return source_.get_token(); }

  /// Has a signal arrived since the guard was created? Any thread may call it.
  static bool stop_requested() { return detail::stop_requested.load(); }

 private:
#if defined(_WIN32)  // has neither closed pipes nor limits of files, and SIGBREAK when a console closes
  static constexpr std::array<int, 3> signals{SIGINT, SIGTERM, SIGBREAK};
  static constexpr std::size_t stopping = 3;
#else
  static constexpr std::array<int, 6> signals{SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE, SIGXFSZ};
  static constexpr std::size_t stopping = 4;
#endif
  static constexpr std::size_t hangup = 2;  // the first `stopping` ones ask for a stop

  /// Carries the request from the handler's flag to the token, which a handler must not touch.
  std::jthread start_watcher() try {
    detail::stop_requested.store(false);
    return std::jthread{[source = source_](std::stop_token ended) mutable {
      std::mutex mutex;
      std::unique_lock lock{mutex};
      std::condition_variable_any waiting;
      while (!ended.stop_requested() && !stop_requested())
        waiting.wait_for(lock, ended, std::chrono::milliseconds{20}, [] { return false; });
      if (stop_requested()) source.request_stop();
    }};
  } catch (const std::system_error& refusal) {
    throw_error<std::runtime_error>("the system starts no thread (", refusal.code().message(),
                                    ") that waits for Ctrl-C; ask for fewer threads");
  }

  std::stop_source source_;
  std::jthread watcher_;
  std::array<void (*)(int), signals.size()> previous_{};
};

}  // namespace pretext::inline v0_1
