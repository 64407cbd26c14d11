// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <new>
#include <vector>

#include <pretext/core/tensor.hpp>

// A training step must not allocate: allocation takes time, on a GPU it waits for all kernels, and a recorded
// CUDA graph needs the same addresses in every step. All temporary memory of a step therefore comes from two
// arenas, which the first step grows.
//
// Where a page costs nothing before it is written (`pages_on_demand`, CPUs), blocks have at least 1 GiB. That
// is address space, not memory: each arena in use shows up as 1 GiB of virtual size. Where the system refuses
// that (`ulimit -v`, vm.overcommit_memory = 2), blocks are as large as the request that needs them. On other
// devices blocks are at least 64 KiB, and when the arena is empty again, blocks that waste memory are merged
// into one.
namespace pretext::inline v0_1 {

/// Device memory that is allocated front to back and freed in reverse order, or all at once: a stack. Equal
/// sequences of calls get equal addresses once the arena has grown. Not thread-safe: an arena belongs to one
/// context.
template <class Device>
class arena {
 public:
  /// A position to rewind to.
  struct mark {
    std::size_t block = 0, offset = 0, before = 0;
  };

  /// `count` elements, not cleared, aligned to 64 bytes. Throws what the device's allocation throws.
  template <class T>
  T* allocate(std::size_t count) {
    const std::size_t bytes = (count * sizeof(T) + alignment - 1) / alignment * alignment;
    if (at_.block < blocks_.size() && at_.offset + bytes > blocks_[at_.block].size()) next_block();
    if (at_.block == blocks_.size() || bytes > blocks_[at_.block].size()) {
      blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(at_.block), blocks_.end());  // unused
      add_block(bytes);
    }
    std::byte* begin = blocks_[at_.block].data() + at_.offset;
    at_.offset += bytes;
    peak_ = std::max(peak_, at_.before + at_.offset);
    return reinterpret_cast<T*>(begin);
  }

  /// A batch of samples, not cleared.
  template <class T, Shape S>
  tensor_view<T, S> allocate(std::size_t batch) {
    return {allocate<T>(batch * S::size), batch};
  }

  mark position() const { return at_; }
  /// Frees everything that was allocated after `to`.
  void rewind(mark to) noexcept {
    at_ = to;
    if (at_.block > 0 || at_.offset > 0 || blocks_.size() < 2) return;
    if (on_demand || total() <= peak_ + peak_ / 32) return;  // little to gain
    blocks_.clear();
    try {
      add_block(peak_);
    } catch (...) {  // destructors call this: the next allocation reports the error
    }
  }
  /// Frees everything.
  void reset() noexcept { rewind({}); }

  /// The number of allocations from the device so far: while it is unchanged, equal steps get equal
  /// addresses.
  std::size_t blocks_allocated() const { return blocks_allocated_; }
  /// The largest number of bytes in use at once so far.
  std::size_t peak() const { return peak_; }

 private:
  static constexpr bool on_demand = requires { Device::pages_on_demand; };
  static constexpr std::size_t alignment = 64, smallest_block = std::size_t{1} << (on_demand ? 30 : 16);

  void add_block(std::size_t bytes) {
    try {
      blocks_.emplace_back(std::max(bytes, smallest_block), contents::undefined);
    } catch (const std::bad_alloc&) {  // address space is limited
      if (bytes >= smallest_block) throw;
      blocks_.emplace_back(bytes, contents::undefined);
    }
    ++blocks_allocated_;
  }
  std::size_t total() const {
    std::size_t sum = 0;
    for (const auto& block : blocks_) sum += block.size();
    return sum;
  }
  void next_block() {
    at_.before += at_.offset;
    ++at_.block;
    at_.offset = 0;
  }

  std::vector<buffer<std::byte, Device>> blocks_;
  mark at_;
  std::size_t peak_ = 0, blocks_allocated_ = 0;
};

/// Frees what was allocated from an arena during its own lifetime.
template <class Device>
class arena_scope {
 public:
  explicit arena_scope(arena<Device>& memory) : arena_{memory}, start_{memory.position()} {}
  arena_scope(const arena_scope&) = delete;
  arena_scope& operator=(const arena_scope&) = delete;
  ~arena_scope() { arena_.rewind(start_); }

 private:
  arena<Device>& arena_;
  typename arena<Device>::mark start_;
};

}  // namespace pretext::inline v0_1
