#pragma once
#include <array>
#include <cstddef>
#include <cstring>

namespace pretext::detail {

/// Numbers on their way from the host to a device that runs apart. A device takes them by itself, when its
/// stream gets there, only from pinned memory; from ordinary memory the host may have to wait for all that is
/// on the stream. So they are put aside in pinned memory, turn by turn in one of a few slot_count, and the
/// host waits only where it is that many copies ahead.
///
/// `Copies` is what does it: `pin(bytes)`, which may fail with a null pointer, and `unpin`; `copy(stream, to,
/// from, bytes)`; and a `mark` with `set(stream)` and `wait()`, until the stream has got there.
template <class Copies>
class pinned_ring {
 public:
  static constexpr std::size_t slot_count = 3;
  /// What is smaller a driver puts aside by itself; what is larger is no batch, and too much to be pinned.
  static constexpr std::size_t smallest = std::size_t{1} << 16, largest = std::size_t{1} << 28;

  pinned_ring() = default;
  pinned_ring(const pinned_ring&) = delete;
  pinned_ring& operator=(const pinned_ring&) = delete;
  ~pinned_ring() {
    for (slot& each : slots_) Copies::unpin(each.memory);
  }

  /// The host's numbers may change as soon as this returns.
  template <class Stream>
  void send(const Stream& on, void* to, const void* host, std::size_t bytes) {
    slot* const next = bytes > smallest && bytes <= largest ? make_room(bytes) : nullptr;
    if (!next) return Copies::copy(on, to, host, bytes);
    std::memcpy(next->memory, host, bytes);
    Copies::copy(on, to, next->memory, bytes);
    next->sent.set(on);
    next->waits = true;
  }

 private:
  struct slot {
    void* memory = nullptr;
    std::size_t room = 0;
    typename Copies::mark sent{};
    bool waits = false;  // for the device to have taken what is there
  };

  /// The next place, free again; none if there is no memory to be pinned.
  slot* make_room(std::size_t bytes) {
    slot& next = slots_[turn_];
    turn_ = (turn_ + 1) % slot_count;
    if (next.waits) next.sent.wait();
    next.waits = false;
    if (next.room < bytes) {
      Copies::unpin(next.memory);
      next.room = bytes + bytes / 4;  // batches of photographs differ in size
      next.memory = Copies::pin(next.room);
      if (!next.memory) next.room = 0;
    }
    return next.memory ? &next : nullptr;
  }

  std::array<slot, slot_count> slots_{};
  std::size_t turn_ = 0;
};

}  // namespace pretext::detail
