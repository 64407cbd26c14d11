#pragma once
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace pretext {

/// Threads that live as long as the pool and share out numbered blocks of work. Which thread takes a block is
/// left to chance; what a block computes never depends on it, so results are the same bits for any number of
/// threads.
class thread_pool {
 public:
  /// `threads` counts the caller: `thread_pool{1}` starts none.
  explicit thread_pool(std::size_t threads) {
    for (std::size_t i = 1; i < threads; ++i) workers_.emplace_back([this] { serve(); });
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

  /// Calls `work(block)` once for every block in [0, blocks) and returns when all are done; rethrows the
  /// first exception. Not to be called from inside a block.
  template <class Work>
  void run(std::size_t blocks, Work& work) {
    if (workers_.empty() || blocks < 2) {
      for (std::size_t block = 0; block < blocks; ++block) work(block);
      return;
    }
    {
      const std::lock_guard lock{mutex_};
      call_ = [](void* context, std::size_t block) { (*static_cast<Work*>(context))(block); };
      context_ = &work;
      blocks_ = blocks;
      next_.store(0, std::memory_order_relaxed);
      busy_ = workers_.size();
      error_ = nullptr;
      round_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    take_blocks();
    std::unique_lock lock{mutex_};
    done_.wait(lock, [this] { return busy_ == 0; });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void take_blocks() {
    try {
      for (std::size_t block; (block = next_.fetch_add(1, std::memory_order_relaxed)) < blocks_;)
        call_(context_, block);
    } catch (...) {
      next_.store(blocks_, std::memory_order_relaxed);
      const std::lock_guard lock{mutex_};
      if (!error_) error_ = std::current_exception();
    }
  }

  void serve() {
    std::size_t seen = 0;
    for (;;) {
      for (int spin = 0; spin < 2000 && round_.load(std::memory_order_acquire) == seen; ++spin)
        if (spin % 64 == 63) std::this_thread::yield();
      {
        std::unique_lock lock{mutex_};
        wake_.wait(lock, [&] { return stopping_ || round_.load(std::memory_order_relaxed) != seen; });
        if (stopping_) return;
        seen = round_.load(std::memory_order_relaxed);
      }
      take_blocks();
      const std::lock_guard lock{mutex_};
      if (--busy_ == 0) done_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> workers_;
  void (*call_)(void*, std::size_t) = nullptr;
  void* context_ = nullptr;
  std::size_t blocks_ = 0, busy_ = 0;
  std::atomic<std::size_t> next_{0}, round_{0};
  std::exception_ptr error_;
  bool stopping_ = false;
};

}  // namespace pretext
