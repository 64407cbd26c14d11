#pragma once
#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "block.hpp"
#include "program.hpp"

namespace pretext::tests::ptx {

using work = std::function<void()>;

/// Work with the time that it takes, on a clock which only work advances.
struct timed_work {
  work run;
  float milliseconds;
};

/// A queue of work that runs only when the host waits for it, because a real GPU may be that late.
class queue {
 public:
  explicit queue(int device = 0) : device_{device} {}
  int device() const { return device_; }

  void add(work what, float milliseconds = 1) {
    if (capturing_) {
      origin_->captured_.push_back({std::move(what), milliseconds});
      unjoined_ = origin_ != this;
    } else {
      waiting_.push_back(std::move(what));
      ++added_;
      time_ += milliseconds;
      asked_ = false;
    }
  }
  /// How much work has been added in total.
  std::size_t added() const { return added_; }
  /// The milliseconds that it takes.
  float time() const { return time_; }
  /// Runs the work that is left of the first `count` pieces added.
  void finish(std::size_t count) {
    for (; done_ < count && !waiting_.empty(); ++done_) {
      const work next = std::move(waiting_.front());
      waiting_.pop_front();
      next();
    }
  }
  void finish() { finish(added_); }
  bool is_done() const { return waiting_.empty(); }
  /// Whether this has been asked since work was added last.
  bool was_asked() { return std::exchange(asked_, true); }

  // While capturing, added work is stored and not run.
  bool capturing() const { return capturing_; }
  void begin_capture() { capturing_ = true, invalid_ = false, origin_ = this, captured_.clear(); }
  /// Adds this stream to the capture of another one, or the other way round; false if they have another one.
  bool join_capture(queue& other) {
    if (!capturing_) {
      capturing_ = true;
      origin_ = other.origin_;
      origin_->joined_.push_back(this);
      unjoined_ = true;
    }
    if (origin_ == this) other.unjoined_ = false;
    return origin_ == other.origin_;
  }
  /// Marks the capture as invalid: a call was made that a graph cannot hold.
  void invalidate_capture() {
    if (capturing_) origin_->invalid_ = true;
  }
  bool invalid() const { return invalid_; }
  /// Did a stream that has joined do work since the first one has waited for it?
  bool unjoined() const {
    return std::any_of(joined_.begin(), joined_.end(), [](const queue* each) { return each->unjoined_; });
  }
  std::deque<timed_work> end_capture() {
    for (queue* each : joined_) each->capturing_ = each->unjoined_ = false;
    joined_.clear();
    capturing_ = false;
    return std::move(captured_);
  }

 private:
  int device_;
  std::deque<work> waiting_;
  std::deque<timed_work> captured_;
  std::size_t added_ = 0, done_ = 0;
  float time_ = 0;
  bool capturing_ = false, invalid_ = false, unjoined_ = false, asked_ = false;
  queue* origin_ = nullptr;     // of the capture, the stream that has begun it
  std::vector<queue*> joined_;  // the others
};

/// Receives what a recorded step consists of, each time that it is replayed, in place of its execution.
class step_observer {
 public:
  virtual ~step_observer() = default;
  virtual void kernel_launched(const kernel& code, const grid_of_blocks& grid,
                               const std::vector<std::byte>& parameters) = 0;
  /// Anything else: a product or convolution of a library, memory that is cleared.
  virtual void other_work(const char* what, const library_work& size) = 0;
};

/// The GPUs of the process, which share their memory, with the state of their runtime. There is one, or as
/// many as PRETEXT_MOCK_GPUS says.
class gpu {
 public:
  static constexpr std::size_t max_shared_memory = 227 << 10,
                               default_shared_memory = 48 << 10;  // Hopper's limits

  struct function {
    program* from = nullptr;
    std::string name;
    std::map<int, std::size_t> max_shared{};  ///< by device, where it is not the default
  };

  static gpu& instance();
  gpu() = default;
  gpu(const gpu&) = delete;
  gpu& operator=(const gpu&) = delete;
  /// Exits the process with an error after a fault, or if device memory was not released.
  ~gpu();

  const int devices = count_devices();
  int device = 0;  ///< the current one

  device_memory memory;
  queue& stream(void* native) { return native ? *static_cast<queue*>(native) : unnamed_; }
  queue* open_stream() { return &streams_.emplace_back(device); }
  void close(queue* stream) {
    streams_.remove_if([&](const queue& each) { return &each == stream; });
  }
  void finish_all();
  /// Whether a stream is capturing; if so, its capture becomes invalid. For calls that a graph cannot hold.
  bool invalidate_captures();

  program& add(std::string text) {
    return *programs_.emplace_back(std::make_unique<program>(std::move(text), memory));
  }
  const std::vector<std::unique_ptr<program>>& programs() const { return programs_; }
  std::map<const void*, function> functions;
  /// Enqueues a kernel with a copy of its parameters. Returns null, or why the runtime would refuse the
  /// launch.
  const char* launch(const function& what, const grid_of_blocks& grid, const void* parameters, void* native);

  /// If it is set, kernels and libraries compute nothing: recorded ones are shown to it, the others are
  /// dropped.
  step_observer* observer = nullptr;
  /// Enqueues work that is no kernel.
  void add_work(void* native, const char* what, const library_work& size, work done);
  shared_memory& shared() { return shared_; }

  /// Host memory that the GPU copies from and to asynchronously.
  std::map<const std::byte*, std::size_t> pinned;
  bool is_pinned(const void* memory, std::size_t bytes) const;

  /// How many streams and pieces of memory can still be had, for tests of what fails half-way.
  std::size_t available = static_cast<std::size_t>(-1);
  /// Takes one of them; false if there is none.
  bool take() { return available > 0 && available-- > 0; }

  /// Runs it unless a fault has occurred; stores the fault's message.
  bool attempt(const work& what);
  const std::string& failed() const { return failed_; }
  /// The fault's message; clears the fault.
  std::string take_fault() { return std::exchange(failed_, {}); }

 private:
  static int count_devices();

  shared_memory shared_;
  queue unnamed_;
  std::list<queue> streams_;
  std::vector<std::unique_ptr<program>> programs_;
  std::string failed_;
};

}  // namespace pretext::tests::ptx
