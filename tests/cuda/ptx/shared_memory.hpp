#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "memory.hpp"

namespace pretext::tests::ptx {

inline constexpr objection not_shared = "beyond the memory that the block shares",
                           of_another_thread =
                               "shared memory that another thread writes, without a barrier between",
                           of_a_reading_thread =
                               "shared memory that another thread reads, without a barrier between";

/// What the threads of a block share. Of every byte it knows who wrote and who read it last since when: two
/// threads meet there only with a barrier between them, of the block, or of their warp if they are of one.
/// What the block has not written is NaN.
class shared_memory {
 public:
  /// A thread at some time: how many barriers the device has seen, and how many its warp since.
  struct moment {
    std::uint32_t barriers = 0;
    std::uint16_t of_warp = 0, thread = 0;
    friend bool operator==(const moment&, const moment&) = default;
  };

  /// Stands for a thread where all of a warp read or write at once.
  static constexpr std::uint16_t whole_warp(std::uint16_t warp) {
    return static_cast<std::uint16_t>(vec | warp);
  }

  /// For another block.
  void begin(std::size_t bytes) {
    ++barriers_;
    size_ = bytes;
    bytes_.assign(bytes, std::byte{0xFF});
    if (bytes > writers_.size()) {
      writers_.resize(bytes);
      readers_.resize(bytes);
    }
  }
  void pass_barrier() { ++barriers_; }
  std::uint32_t barriers() const { return barriers_; }
  std::byte* reach(std::uint64_t offset) { return bytes_.data() + offset; }

  objection on_read(std::uint64_t offset, std::size_t bytes, moment now) {
    if (offset > size_ || bytes > size_ - offset) return not_shared;
    for (std::uint64_t i = offset; i < offset + bytes; ++i) {
      if (meet(writers_[i], now)) return of_another_thread;
      readers_[i] = together(readers_[i], now);
    }
    return nullptr;
  }
  objection on_write(std::uint64_t offset, std::size_t bytes, moment now) {
    if (offset > size_ || bytes > size_ - offset) return not_shared;
    for (std::uint64_t i = offset; i < offset + bytes; ++i) {
      if (meet(writers_[i], now)) return of_another_thread;
      if (meet(readers_[i], now)) return of_a_reading_thread;
      writers_[i] = now;
    }
    return nullptr;
  }

 private:
  // Instead of a thread: several of one warp, whose number follows, or of more than one.
  static constexpr std::uint16_t vec = 0x8000, of_any_warp = 0xFFFF;
  static constexpr std::uint16_t warp_of(std::uint16_t thread) {
    return static_cast<std::uint16_t>(thread & vec ? thread & ~vec : thread / 32);
  }

  /// Has no barrier parted the two, who are not one thread?
  static bool meet(moment before, moment now) {
    if (before.barriers != now.barriers) return false;
    if (before.thread == now.thread) return (now.thread & vec) != 0 && before.of_warp == now.of_warp;
    return before.thread == of_any_warp || warp_of(before.thread) != warp_of(now.thread) ||
           before.of_warp == now.of_warp;
  }
  /// Who reads, if the other one did, too.
  static moment together(moment before, moment now) {
    if (before.barriers != now.barriers || before.thread == now.thread) return now;
    if (before.thread == of_any_warp || warp_of(before.thread) != warp_of(now.thread)) {
      now.thread = of_any_warp;
    } else if (before.of_warp == now.of_warp) {
      now.thread = whole_warp(warp_of(now.thread));
    }
    return now;
  }

  std::size_t size_ = 0;
  std::uint32_t barriers_ = 0;
  std::vector<std::byte> bytes_;
  std::vector<moment> writers_, readers_;
};

}  // namespace pretext::tests::ptx
