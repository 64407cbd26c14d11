// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <cstring>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::detail {

/// Copies from the host to a device that runs asynchronously. A device copies without the host only from
/// pinned memory; a copy from ordinary memory may make the host wait for everything on the stream. So the
/// elements are first copied to pinned memory, to the next of a few slots, and the host waits only if it is
/// `slot_count` copies ahead.
///
/// `Copies` provides the operations: `pin(bytes)`, which returns null where no memory can be pinned, and
/// `unpin`; `copy(stream, to, from, bytes)`; and a `mark` with `set(stream)` and `wait()`, which returns when
/// the stream has reached the mark.
template <class Copies>
class pinned_ring {
 public:
  static constexpr std::size_t slot_count = 3;
  /// In bytes. The driver buffers smaller copies itself; larger ones are not batches, and too large to be
  /// pinned.
  static constexpr std::size_t min_bytes = std::size_t{1} << 16, max_bytes = std::size_t{1} << 28;

  pinned_ring() = default;
  pinned_ring(const pinned_ring&) = delete;
  pinned_ring& operator=(const pinned_ring&) = delete;
  ~pinned_ring() {
    for (slot& used : slots_) Copies::unpin(used.memory);
  }

  /// Copies `bytes` to the device. The host may change its elements as soon as this returns.
  template <class Stream>
  void send(const Stream& on, void* to, const void* host, std::size_t bytes) {
    slot* const next = bytes > min_bytes && bytes <= max_bytes ? free_slot(bytes) : nullptr;
    if (!next) return Copies::copy(on, to, host, bytes);
    std::memcpy(next->memory, host, bytes);
    Copies::copy(on, to, next->memory, bytes);
    next->sent.set(on);
    next->in_use = true;
  }

 private:
  struct slot {
    void* memory = nullptr;
    std::size_t bytes = 0;
    typename Copies::mark sent{};
    bool in_use = false;  // until the device has copied its contents
  };

  /// The next slot, once the device has read it, with room for `bytes`; null if no memory can be pinned.
  slot* free_slot(std::size_t bytes) {
    slot& next = slots_[next_slot_];
    next_slot_ = (next_slot_ + 1) % slot_count;
    if (next.in_use) next.sent.wait();
    next.in_use = false;
    if (next.bytes < bytes) {
      Copies::unpin(next.memory);
      next.bytes = bytes + bytes / 4;  // batches of photographs differ in size
      next.memory = Copies::pin(next.bytes);
      if (!next.memory) next.bytes = 0;
    }
    return next.memory ? &next : nullptr;
  }

  std::array<slot, slot_count> slots_{};
  std::size_t next_slot_ = 0;
};

}  // namespace pretext::inline v0_1::detail
