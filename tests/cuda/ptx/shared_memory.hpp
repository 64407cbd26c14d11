#pragma once
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <vector>

#include "memory.hpp"

namespace pretext::tests::ptx {

inline constexpr access_error not_shared = "beyond the block's shared memory",
                              written_by_another_thread =
                                  "shared memory that another thread writes, without a barrier in between",
                              read_by_another_thread =
                                  "shared memory that another thread reads, without a barrier in between",
                              being_copied = "shared memory to which a copy is under way";

/// A block's shared memory. For every byte it tracks the last writer and reader and their time: two threads
/// may access the same byte (one of them writing) only with a barrier in between, of the block or, within a
/// warp, of the warp. Bytes that the block has not written are NaN.
class shared_memory {
 public:
  /// A thread at a point in time: the barriers of the whole device so far, and those of the thread's warp
  /// since.
  struct moment {
    std::uint32_t barriers = 0;
    std::uint16_t of_warp = 0, thread = 0;
    friend bool operator==(const moment&, const moment&) = default;
  };

  /// Stands for all threads of a warp that access memory together.
  static constexpr std::uint16_t whole_warp(std::uint16_t warp) {
    return static_cast<std::uint16_t>(several_flag | warp);
  }

  /// Starts another block.
  void begin(std::size_t bytes) {
    ++barriers_;
    copied_.clear();
    size_ = bytes;
    bytes_.assign(bytes, std::byte{0xFF});
    if (bytes > writers_.size()) {
      writers_.resize(bytes);
      readers_.resize(bytes);
    }
  }
  void pass_barrier() { ++barriers_; }
  std::uint32_t barriers() const { return barriers_; }
  std::byte* host_pointer(std::uint64_t offset) { return bytes_.data() + offset; }

  access_error on_read(std::uint64_t offset, std::size_t bytes, moment now) {
    if (offset > size_ || bytes > size_ - offset) return not_shared;
    if (is_being_copied(offset, bytes)) return being_copied;
    for (std::uint64_t i = offset; i < offset + bytes; ++i) {
      if (race(writers_[i], now)) return written_by_another_thread;
      readers_[i] = merged(readers_[i], now);
    }
    return nullptr;
  }
  access_error on_write(std::uint64_t offset, std::size_t bytes, moment now) {
    if (offset > size_ || bytes > size_ - offset) return not_shared;
    if (is_being_copied(offset, bytes)) return being_copied;
    for (std::uint64_t i = offset; i < offset + bytes; ++i) {
      if (race(writers_[i], now)) return written_by_another_thread;
      if (race(readers_[i], now)) return read_by_another_thread;
      writers_[i] = now;
    }
    return nullptr;
  }
  /// From the start of a copy to its end its destination may change at any time.
  access_error on_copy_start(std::uint64_t offset, std::size_t bytes, moment now) {
    if (const access_error what = on_write(offset, bytes, now)) return what;
    copied_.emplace(offset, offset + bytes);
    return nullptr;
  }
  access_error on_copy_end(std::uint64_t offset, std::size_t bytes, moment now) {
    copied_.erase(offset);
    return on_write(offset, bytes, now);
  }

 private:
  bool is_being_copied(std::uint64_t offset, std::size_t bytes) const {
    if (copied_.empty()) return false;
    const auto after = copied_.lower_bound(offset + bytes);
    return after != copied_.begin() && std::prev(after)->second > offset;
  }

  // Values of moment::thread that stand for several threads: of one warp (the flag plus the warp's index),
  // or of more than one warp.
  static constexpr std::uint16_t several_flag = 0x8000, several_warps = 0xFFFF;
  static constexpr std::uint16_t warp_of(std::uint16_t thread) {
    return static_cast<std::uint16_t>(thread & several_flag ? thread & ~several_flag : thread / 32);
  }

  /// Whether the two accesses are by different threads with no barrier in between.
  static bool race(moment before, moment now) {
    if (before.barriers != now.barriers) return false;
    if (before.thread == now.thread) return (now.thread & several_flag) != 0 && before.of_warp == now.of_warp;
    return before.thread == several_warps || warp_of(before.thread) != warp_of(now.thread) ||
           before.of_warp == now.of_warp;
  }
  /// The reader to record after two reads.
  static moment merged(moment before, moment now) {
    if (before.barriers != now.barriers || before.thread == now.thread) return now;
    if (before.thread == several_warps || warp_of(before.thread) != warp_of(now.thread)) {
      now.thread = several_warps;
    } else if (before.of_warp == now.of_warp) {
      now.thread = whole_warp(warp_of(now.thread));
    }
    return now;
  }

  std::size_t size_ = 0;
  std::uint32_t barriers_ = 0;
  std::vector<std::byte> bytes_;
  std::vector<moment> writers_, readers_;
  std::map<std::uint64_t, std::uint64_t> copied_;  // where copies that are under way begin and end
};

}  // namespace pretext::tests::ptx
