// SPDX-License-Identifier: MIT
#pragma once
#include <atomic>
#include <chrono>
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

/// What a thread calls. Threads that meet must call the same.
struct collective_call {
  const char* name = "";
  std::size_t bytes = 0;
  const void* own = nullptr;
};

/// Threads of this process that meet, show each other where their data is, and part. A thread that stops or
/// does not come ends the others with a sentence.
class thread_group {
 public:
  /// `kind` says what its threads are, "rank" or "shard", whose indices begin with `first`.
  thread_group(std::string_view kind, std::size_t first, std::size_t size, std::chrono::milliseconds patience)
      : kind_{kind}, first_{first}, patience_{patience}, calls_(size), present_(size) {}

  std::size_t size() const { return calls_.size(); }
  std::chrono::milliseconds patience() const { return patience_; }
  /// For the next `meet`s; any thread may call it.
  void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }

  /// Waits until all threads have called. Returns the calls of all, valid until this thread has parted.
  const std::vector<collective_call>& meet(std::size_t thread, const collective_call& call) {
    calls_[thread] = call;
    wait(thread, true);
    for (std::size_t other = 0; other < size(); ++other)
      if (calls_[other].name != std::string_view{call.name} || calls_[other].bytes != call.bytes)
        throw_error<lost_rank>(name(thread), " calls ", call.name, " of ", call.bytes, " bytes, ",
                               name(other), " ", calls_[other].name, " of ", calls_[other].bytes,
                               " bytes; every ", kind_, " must make the same calls in the same order");
    return calls_;
  }

  /// Waits until all threads that have met have parted. Nothing limits the time, because one of them may be
  /// waiting for other ranks.
  void part(std::size_t thread) { wait(thread, false); }

  /// Calls `work(thread)` in as many threads as the group has, the first in the calling one, and waits for
  /// them. Rethrows the first exception.
  template <class Work>
  void run(const Work& work) {
    begin();
    const auto serve = [&](std::size_t thread) {
      try {
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
      serve(0);
    } catch (const std::exception& error) {  // no more threads, or no memory for one
      end(others.size() + 1, error.what(), std::current_exception());
    }
    for (std::thread& other : others) other.join();
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::string name(std::size_t thread) const { return str_cat(kind_, " ", first_ + thread); }

  void begin() {
    arrived_ = 0;
    ended_.clear();
    error_ = nullptr;
    present_.assign(size(), false);
  }

  void end(std::size_t thread, std::string_view why, std::exception_ptr error) {
    {
      const std::lock_guard lock{mutex_};
      if (error && !error_) {
        error_ = error;
        ended_ = str_cat(name(thread), " has stopped: ", why);
      } else if (ended_.empty()) {
        ended_ = str_cat(name(thread), " has ended; every ", kind_, " must make the same number of steps");
      }
    }
    all_present_.notify_all();
  }

  void wait(std::size_t thread, bool limited) {
    std::unique_lock lock{mutex_};
    const auto stop = [&] { throw_error<lost_rank>(name(thread), " cannot go on: ", ended_); };
    if (!ended_.empty()) stop();
    const std::size_t round = round_;
    present_[thread] = true;
    if (++arrived_ == size()) {
      arrived_ = 0;
      present_.assign(size(), false);
      ++round_;
      lock.unlock();
      return all_present_.notify_all();
    }
    const auto over = [&] { return round_ != round || !ended_.empty(); };
    if (!limited)
      all_present_.wait(lock, over);
    else if (!all_present_.wait_for(lock, patience(), over))
      give_up(thread);
    if (round_ == round) stop();
  }

  [[noreturn]] void give_up(std::size_t thread) {
    std::size_t missing = 0;
    while (present_[missing]) ++missing;
    ended_ = str_cat(name(thread), " waited ", std::chrono::duration<double>{patience()}.count(), " s for ",
                     name(missing), ", which hangs or needs more patience");
    throw lost_rank{ended_};
  }

  const std::string kind_;
  const std::size_t first_;
  std::atomic<std::chrono::milliseconds> patience_;
  std::vector<collective_call> calls_;
  std::mutex mutex_;
  std::condition_variable all_present_;
  std::vector<bool> present_;
  std::size_t arrived_ = 0, round_ = 0;
  std::string ended_;  // why the group cannot meet again; empty while it can
  std::exception_ptr error_;
};

}  // namespace pretext::inline v0_1::distributed::detail
