#pragma once
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include <pretext/core/function_ref.hpp>

namespace pretext {

/// Threads that live as long as the pool and share out numbered blocks of work. Which thread takes a block is
/// left to chance; what a block computes never depends on it, so results are the same bits for any number of
/// threads.
class thread_pool {
 public:
  /// `threads` counts the caller: `thread_pool{1}` starts none.
  explicit thread_pool(std::size_t threads) {
    for (std::size_t i = 1; i < threads; ++i) workers_.emplace_back([this, i] { serve(i); });
  }
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;
  ~thread_pool() {
    {
      const std::lock_guard lock{mutex_};
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& worker : workers_) worker.join();
  }

  std::size_t threads() const { return workers_.size() + 1; }

  /// Calls `work(block, thread)` once for every block in [0, blocks) and returns when all are done; rethrows
  /// the first exception. `thread` says which of the threads [0, threads) runs it, for memory that a thread
  /// reuses. Not to be called from inside a block.
  void run(std::size_t blocks, function_ref<void(std::size_t, std::size_t)> work) {
    if (workers_.empty() || blocks < 2) {
      for (std::size_t block = 0; block < blocks; ++block) work(block, 0);
      return;
    }
    bool asleep;
    {
      const std::lock_guard lock{mutex_};
      work_ = &work;
      blocks_ = blocks;
      error_ = nullptr;
      next_.store(0, std::memory_order_relaxed);
      busy_.store(workers_.size(), std::memory_order_relaxed);
      round_.fetch_add(1, std::memory_order_release);
      asleep = sleeping_ > 0;
    }
    if (asleep) wake_.notify_all();
    take_blocks(0);
    if (!spin_until([this] { return busy_.load(std::memory_order_acquire) == 0; })) {
      std::unique_lock lock{mutex_};
      waiting_ = true;
      done_.wait(lock, [this] { return busy_.load(std::memory_order_acquire) == 0; });
      waiting_ = false;
    }
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void take_blocks(std::size_t thread) {
    try {
      for (std::size_t block; (block = next_.fetch_add(1, std::memory_order_relaxed)) < blocks_;)
        (*work_)(block, thread);
    } catch (...) {
      next_.store(blocks_, std::memory_order_relaxed);
      const std::lock_guard lock{mutex_};
      if (!error_) error_ = std::current_exception();
    }
  }

  /// Kernels follow each other within microseconds, and waking a thread costs more than looking out for a
  /// while.
  template <class Condition>
  static bool spin_until(const Condition& condition) {
    for (int look = 0; look < 20000; ++look) {
      if (condition()) return true;
      if (look % 256 == 255) std::this_thread::yield();
    }
    return false;
  }

  void serve(std::size_t thread) {
    std::size_t seen = 0;
    const auto called = [&] { return stopping_.load() || round_.load(std::memory_order_acquire) != seen; };
    for (;;) {
      if (!spin_until(called)) {
        std::unique_lock lock{mutex_};
        ++sleeping_;
        wake_.wait(lock, called);
        --sleeping_;
      }
      if (stopping_.load()) return;
      seen = round_.load(std::memory_order_acquire);
      take_blocks(thread);
      if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        const std::lock_guard lock{mutex_};
        if (waiting_) done_.notify_one();
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> workers_;
  const function_ref<void(std::size_t, std::size_t)>* work_ = nullptr;
  std::size_t blocks_ = 0, sleeping_ = 0;
  std::atomic<std::size_t> next_{0}, round_{0}, busy_{0};
  std::exception_ptr error_;
  std::atomic<bool> stopping_{false};
  bool waiting_ = false;
};

}  // namespace pretext
