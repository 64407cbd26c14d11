// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/distributed/engine.hpp>

namespace pretext::inline v0_1::distributed::detail {

/// Threads of this process that take turns: at any time one of them runs, in the order of their indices, and
/// passes the turn on where it needs the others. The first one leads: when it gets the turn back, all others
/// have made the same call, and when they get theirs back, it has done what they have called for.
class turns {
 public:
  /// `kind` says what its threads are, such as "shard", whose indices begin with `first`.
  turns(std::string_view kind, std::size_t first, std::size_t size)
      : kind_{kind}, first_{first}, has_ended_(size) {}

  std::size_t size() const { return has_ended_.size(); }

  /// Passes the turn on, and returns when it comes back. Throws `lost_rank` if another thread has stopped, or
  /// has ended without this call.
  void pass(std::size_t thread) {
    if (size() == 1) return;
    std::unique_lock lock{mutex_};
    bool is_alone = thread > 0 && has_ended_[0];
    if (!is_alone) {
      go_on(thread);
      turn_passed_.wait(lock, [&] { return turn_ == thread; });
      is_alone =
          error_ || (thread == 0 && std::find(has_ended_.begin(), has_ended_.end(), 1) != has_ended_.end());
    }
    if (is_alone) throw_error<lost_rank>(name(thread), " cannot go on: ", ended_);
  }

  /// Calls `work(thread)` in as many threads as there are, the first in the calling one, and waits for them.
  /// Rethrows the first exception.
  template <class Work>
  void run(const Work& work) {
    turn_ = 0;
    ended_.clear();
    error_ = nullptr;
    has_ended_.assign(size(), false);
    const auto serve = [&](std::size_t thread) {
      {
        std::unique_lock lock{mutex_};
        turn_passed_.wait(lock, [&] { return turn_ == thread; });
      }
      try {
        if (error_) return end(thread, {}, nullptr);  // another thread did not come so far
        work(thread);
        end(thread, {}, nullptr);
      } catch (const std::exception& error) {
        end(thread, error.what(), std::current_exception());
      } catch (...) { end(thread, "an exception of an unknown type", std::current_exception()); }
    };
    std::vector<std::thread> others;
    others.reserve(size());
    try {
      for (std::size_t thread = 1; thread < size(); ++thread) others.emplace_back(serve, thread);
    } catch (const std::exception& error) {  // no more threads, or no memory for one
      error_ = std::current_exception();
      ended_ = str_cat("there is no thread for it: ", error.what());
      for (std::size_t thread = others.size() + 1; thread < size(); ++thread) has_ended_[thread] = true;
    }
    serve(0);
    for (std::thread& other : others) other.join();
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::string name(std::size_t thread) const { return str_cat(kind_, " ", first_ + thread); }

  /// The next thread that has not ended gets the turn.
  void go_on(std::size_t thread) {
    std::size_t next = (thread + 1) % size();
    while (next != thread && has_ended_[next]) next = (next + 1) % size();
    turn_ = next;
    turn_passed_.notify_all();
  }

  void end(std::size_t thread, std::string_view why, std::exception_ptr error) {
    const std::lock_guard lock{mutex_};
    has_ended_[thread] = true;
    if (error && !error_) {
      error_ = error;
      ended_ = str_cat(name(thread), " has stopped: ", why);
    } else if (ended_.empty()) {
      ended_ = str_cat(name(thread), " has ended; every ", kind_, " must make the same number of steps");
    }
    go_on(thread);
  }

  const std::string kind_;
  const std::size_t first_;
  std::mutex mutex_;
  std::condition_variable turn_passed_;
  std::size_t turn_ = 0;
  std::vector<char> has_ended_;
  std::string ended_;  // why the threads cannot go on together; empty while they can
  std::exception_ptr error_;
};

}  // namespace pretext::inline v0_1::distributed::detail
