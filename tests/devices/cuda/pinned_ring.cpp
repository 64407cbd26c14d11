#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <vector>

#include <pretext/devices/cuda/pinned_ring.hpp>

using namespace pretext;

namespace {

/// A device that copies as late as it may: when somebody waits for it, and then what was asked for until
/// then.
struct late_stream {
  std::vector<std::function<void()>> asked;
  std::size_t done = 0;

  void run_to(std::size_t end) {
    for (; done < end; ++done) asked[done]();
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
    on->asked.push_back([=] { std::memcpy(to, from, bytes); });
  }
  struct mark {
    late_stream* stream = nullptr;
    std::size_t at = 0;
    void set(late_stream* on) {
      stream = on;
      at = on->asked.size();
    }
    void wait() const {
      ++waits;
      stream->run_to(at);
    }
  };
};
using ring = pretext::detail::pinned_ring<late_copies>;

constexpr std::size_t large = ring::smallest + 1;

}  // namespace

TEST_CASE("what was sent arrives as it was, though the host's numbers change and nobody waits") {
  late_stream on;
  std::vector<std::vector<char>> arrived;
  waits = 0;
  {
    ring sent;
    std::vector<char> numbers;
    for (std::size_t i = 0; i < 20; ++i) arrived.emplace_back(large + i % 7 * 40000);
    for (std::size_t i = 0; i < 20; ++i) {
      numbers.assign(arrived[i].size(), static_cast<char>('a' + i));
      sent.send(&on, arrived[i].data(), numbers.data(), numbers.size());
      numbers.assign(numbers.size(), '?');
      CHECK(pinned <= ring::slot_count);
      CHECK(on.asked.size() - on.done <= ring::slot_count);
    }
    CHECK(waits == 20 - ring::slot_count);
    on.run_to(on.asked.size());
  }
  CHECK(pinned == 0);
  for (std::size_t i = 0; i < 20; ++i)
    CHECK(arrived[i] == std::vector<char>(arrived[i].size(), static_cast<char>('a' + i)));
}

TEST_CASE("a batch as large as those before takes no other memory, a small one none") {
  late_stream on;
  ring sent;
  std::vector<char> numbers(large), arrived(large);
  const auto send = [&](std::size_t bytes) { sent.send(&on, arrived.data(), numbers.data(), bytes); };
  send(ring::smallest);
  CHECK(pinned == 0);
  for (int i = 0; i < 3; ++i) send(large);
  CHECK(pinned == 3);
  const auto before = waits;
  send(100);
  CHECK(waits == before);
  send(large);
  CHECK(waits == before + 1);
  CHECK(pinned == 3);
  on.run_to(on.asked.size());
}

TEST_CASE("without memory to be pinned numbers are sent from where they are") {
  late_stream on;
  ring sent;
  const std::vector<char> numbers(large, 'x');
  std::vector<char> arrived(large);
  can_pin = false;
  for (int i = 0; i < 5; ++i) sent.send(&on, arrived.data(), numbers.data(), large);
  can_pin = true;
  CHECK(on.asked.size() == 5);
  on.run_to(5);
  CHECK(arrived == numbers);
}
