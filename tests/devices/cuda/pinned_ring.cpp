#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <vector>

#include <pretext/devices/cuda/pinned_ring.hpp>

using namespace pretext;

namespace {

/// A device that copies as late as possible: only when the host waits for it, and then only the copies up to
/// the position waited for.
struct late_stream {
  std::vector<std::function<void()>> queued;
  std::size_t done = 0;

  void run_to(std::size_t end) {
    for (; done < end; ++done) queued[done]();
  }
};

std::size_t pinned = 0, waits = 0;
bool can_pin = true;

struct late_copies {
  static void* pin(std::size_t bytes) {
    if (!can_pin) return nullptr;
    ++pinned;
    return ::operator new(bytes);
  }
  static void unpin(void* memory) {
    if (!memory) return;
    --pinned;
    ::operator delete(memory);
  }
  static void copy(late_stream* on, void* to, const void* from, std::size_t bytes) {
    on->queued.push_back([=] { std::memcpy(to, from, bytes); });
  }
  struct mark {
    late_stream* stream = nullptr;
    std::size_t at = 0;
    void set(late_stream* on) {
      stream = on;
      at = on->queued.size();
    }
    void wait() const {
      ++waits;
      stream->run_to(at);
    }
  };
};
using ring = pretext::detail::pinned_ring<late_copies>;

constexpr std::size_t large = ring::min_bytes + 1;

}  // namespace

TEST_CASE(
    "a copy delivers the elements as they were when it was sent, although the host changes them at once") {
  late_stream on;
  std::vector<std::vector<char>> arrived;
  waits = 0;
  {
    ring sent;
    std::vector<char> elements;
    for (std::size_t i = 0; i < 20; ++i) arrived.emplace_back(large + i % 7 * 40000);
    for (std::size_t i = 0; i < 20; ++i) {
      elements.assign(arrived[i].size(), static_cast<char>('a' + i));
      sent.send(&on, arrived[i].data(), elements.data(), elements.size());
      elements.assign(elements.size(), '?');
      CHECK(pinned <= ring::slot_count);
      CHECK(on.queued.size() - on.done <= ring::slot_count);
    }
    CHECK(waits == 20 - ring::slot_count);
    on.run_to(on.queued.size());
  }
  CHECK(pinned == 0);
  for (std::size_t i = 0; i < 20; ++i)
    CHECK(arrived[i] == std::vector<char>(arrived[i].size(), static_cast<char>('a' + i)));
}

TEST_CASE("a batch no larger than those before reuses pinned memory, and a small one uses none") {
  late_stream on;
  ring sent;
  std::vector<char> elements(large), arrived(large);
  const auto send = [&](std::size_t bytes) { sent.send(&on, arrived.data(), elements.data(), bytes); };
  send(ring::min_bytes);
  CHECK(pinned == 0);
  for (int i = 0; i < 3; ++i) send(large);
  CHECK(pinned == 3);
  const auto before = waits;
  send(100);
  CHECK(waits == before);
  send(large);
  CHECK(waits == before + 1);
  CHECK(pinned == 3);
  on.run_to(on.queued.size());
}

TEST_CASE("where no memory can be pinned, elements are copied from ordinary memory") {
  late_stream on;
  ring sent;
  const std::vector<char> elements(large, 'x');
  std::vector<char> arrived(large);
  can_pin = false;
  for (int i = 0; i < 5; ++i) sent.send(&on, arrived.data(), elements.data(), large);
  can_pin = true;
  CHECK(on.queued.size() == 5);
  on.run_to(5);
  CHECK(arrived == elements);
}
