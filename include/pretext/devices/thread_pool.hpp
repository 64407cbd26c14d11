// SPDX-License-Identifier: MIT
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <pretext/core/function_ref.hpp>
#include <pretext/devices/start_threads.hpp>

// Work is divided into blocks whose number depends on the data alone, never on the number of threads, and
// partial results are combined in the order of the blocks: so results are the same bits for any number of
// threads. Kernels follow each other within microseconds, and waking a thread takes longer than that: threads
// therefore spin for a while before they sleep.
namespace pretext::inline v0_1 {

/// Worker threads that live as long as the pool and execute numbered blocks of work. `run` may be called from
/// several threads at once: one call at a time uses the workers, the others wait for their turn.
class thread_pool {
 public:
  /// `threads` includes the calling thread: `thread_pool{1}` starts no thread. Throws std::runtime_error if
  /// the system does not start so many.
  explicit thread_pool(std::size_t threads) {
    if (threads < 2) return;
    detail::start_threads(
        workers_, threads - 1, [this](std::size_t i) { serve(i + 1); }, [this] { stop(); });
  }
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;
  ~thread_pool() {
    stop();
    for (auto& worker : workers_) worker.join();
  }

  std::size_t threads() const { return workers_.size() + 1; }

  /// Calls `work(block, thread)` once for every block in [0, blocks) and returns when all are done; rethrows
  /// the first exception. `thread` in [0, threads) identifies the executing thread, for buffers of one call
  /// that each thread reuses. A call from inside a block executes its blocks in order on the calling thread.
  void run(std::size_t blocks, function_ref<void(std::size_t, std::size_t)> work) {
    if (workers_.empty() || blocks < 2 || executing_ == this) {
      for (std::size_t block = 0; block < blocks; ++block) work(block, 0);
      return;
    }
    const std::lock_guard one_call_at_a_time{calls_};
    bool any_asleep;
    {
      const std::lock_guard lock{mutex_};
      work_ = &work;
      blocks_ = blocks;
      error_ = nullptr;
      next_.store(0, std::memory_order_relaxed);
      const std::size_t number = (round_.load(std::memory_order_relaxed) & ~open_or_working) + one_round;
      round_.store(number | open, std::memory_order_release);
      any_asleep = sleeping_ > 0;
    }
    if (any_asleep) wake_.notify_all();
    take_blocks(0);
    // Workers that the system has not run yet are not waited for.
    round_.fetch_and(~open, std::memory_order_relaxed);
    const auto complete = [this] { return (round_.load(std::memory_order_acquire) & open_or_working) == 0; };
    if (!spin_until(complete)) {
      std::unique_lock lock{mutex_};
      waiting_ = true;
      done_.wait(lock, complete);
      waiting_ = false;
    }
    if (error_) std::rethrow_exception(error_);
  }

 private:
  /// Makes the workers return.
  void stop() {
    {
      const std::lock_guard lock{mutex_};
      stopping_ = true;
    }
    wake_.notify_all();
  }

  void take_blocks(std::size_t thread) {
    const thread_pool* const outer = std::exchange(executing_, this);
    try {
      for (std::size_t block; (block = next_.fetch_add(1, std::memory_order_relaxed)) < blocks_;)
        (*work_)(block, thread);
    } catch (...) {
      next_.store(blocks_, std::memory_order_relaxed);
      const std::lock_guard lock{mutex_};
      if (!error_) error_ = std::current_exception();
    }
    executing_ = outer;
  }

  template <class Condition>
  static bool spin_until(const Condition& condition) {
    for (int attempt = 0; attempt < 20000; ++attempt) {
      if (condition()) return true;
      if (attempt % 256 == 255) std::this_thread::yield();
    }
    return false;
  }

  void serve(std::size_t thread) {
    std::size_t last_round = 0;
    std::size_t seen = 0;
    const auto called = [&] {
      seen = round_.load(std::memory_order_acquire);
      return stopping_.load() || ((seen & open) && seen / one_round != last_round);
    };
    for (;;) {
      if (!spin_until(called)) {
        std::unique_lock lock{mutex_};
        ++sleeping_;
        wake_.wait(lock, called);
        --sleeping_;
      }
      if (stopping_.load()) return;
      if (!round_.compare_exchange_strong(seen, seen + 1, std::memory_order_acq_rel)) continue;
      last_round = seen / one_round;
      take_blocks(thread);
      if ((round_.fetch_sub(1, std::memory_order_acq_rel) & open_or_working) == 1) {
        const std::lock_guard lock{mutex_};
        if (waiting_) done_.notify_one();
      }
    }
  }

  // A call of `run` is a round. Its number, whether workers may still join it, and how many of them work in
  // it are one value, so that no worker joins a round that its caller has closed.
  static constexpr std::size_t open = std::size_t{1} << (std::numeric_limits<std::size_t>::digits / 2),
                               one_round = open << 1, open_or_working = one_round - 1;

  // The pool whose block this thread executes.
  static inline thread_local const thread_pool* executing_ = nullptr;

  std::mutex calls_;  // held by the call of `run` that uses the workers
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> workers_;
  const function_ref<void(std::size_t, std::size_t)>* work_ = nullptr;
  std::size_t blocks_ = 0, sleeping_ = 0;
  std::atomic<std::size_t> next_{0}, round_{0};
  std::exception_ptr error_;
  std::atomic<bool> stopping_{false};
  bool waiting_ = false;
};

}  // namespace pretext::inline v0_1
