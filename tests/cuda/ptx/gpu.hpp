#pragma once
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

/// Work in order that nobody does before somebody waits for it: a GPU may be that late.
class queue {
 public:
  void add(work what) {
    (recording_ ? recorded_ : waiting_).push_back(std::move(what));
    if (!recording_) ++added_;
  }
  /// How much was ever put here.
  std::size_t added() const { return added_; }
  /// Does what is left of the first `count` ever put here.
  void finish(std::size_t count) {
    for (; done_ < count && !waiting_.empty(); ++done_) {
      const work next = std::move(waiting_.front());
      waiting_.pop_front();
      next();
    }
  }
  void finish() { finish(added_); }

  // What is put here while it records is kept and not done.
  bool recording() const { return recording_; }
  void begin_recording() { recording_ = true, broken_ = false, recorded_.clear(); }
  /// Somebody did what no recording can hold.
  void break_recording() { broken_ = recording_; }
  bool broken() const { return broken_; }
  std::deque<work> end_recording() {
    recording_ = false;
    return std::move(recorded_);
  }

 private:
  std::deque<work> waiting_, recorded_;
  std::size_t added_ = 0, done_ = 0;
  bool recording_ = false, broken_ = false;
};

/// The only GPU there is, with what its runtime knows of the program.
class gpu {
 public:
  static constexpr std::size_t most_shared_memory = 227 << 10, most_by_default = 48 << 10;  // Hopper's

  struct function {
    program* from = nullptr;
    std::string name;
    std::size_t most_shared = most_by_default;
  };

  static gpu& only();
  gpu() = default;
  gpu(const gpu&) = delete;
  gpu& operator=(const gpu&) = delete;
  /// Ends the program as failed after a fault, or if memory was never released.
  ~gpu();

  device_memory memory;
  queue& stream(void* native) { return native ? *static_cast<queue*>(native) : unnamed_; }
  queue* open_stream() { return &streams_.emplace_back(); }
  void close(queue* stream) {
    streams_.remove_if([&](const queue& each) { return &each == stream; });
  }
  void finish_all();
  /// Is a stream recording? It is broken then: this is asked by what no recording can hold.
  bool breaks_recording();

  program& add(std::string text) {
    return *programs_.emplace_back(std::make_unique<program>(std::move(text), memory));
  }
  std::map<const void*, function> functions;
  /// Puts a kernel on a stream; `parameters` are copied. Says what the runtime would refuse.
  const char* launch(const function& what, const grid_of_blocks& grid, const void* parameters, void* native);

  /// Memory of the host's that the GPU fetches from, or stores to, by itself.
  std::map<const std::byte*, std::size_t> pinned;
  bool is_pinned(const void* memory, std::size_t bytes) const;

  /// Does it unless a fault came before; keeps the fault's sentence.
  bool attempt(const work& what);
  const std::string& failed() const { return failed_; }
  /// The same, as if it had not been.
  std::string take_fault() { return std::exchange(failed_, {}); }

 private:
  shared_memory shared_;
  queue unnamed_;
  std::list<queue> streams_;
  std::vector<std::unique_ptr<program>> programs_;
  std::string failed_;
};

}  // namespace pretext::tests::ptx
