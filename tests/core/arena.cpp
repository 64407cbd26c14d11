#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <new>

#include <pretext/core/context.hpp>
#include <pretext/devices/cpu.hpp>

using namespace pretext;

TEST_CASE("an arena gives the same addresses in every step after the first, aligned and apart") {
  arena<cpu> memory;
  const auto step = [&](float*& a, double*& b) {
    memory.reset();
    a = memory.allocate<float>(1000);
    b = memory.allocate<double>(300000);
    a[999] = 1;
    b[0] = 2;
    CHECK(a[999] == 1);
    CHECK(reinterpret_cast<std::uintptr_t>(a) % 64 == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(b) % 64 == 0);
  };
  float *a1, *a2, *a3;
  double *b1, *b2, *b3;
  step(a1, b1);
  step(a2, b2);
  step(a3, b3);
  CHECK(a2 == a3);
  CHECK(b2 == b3);
  CHECK(memory.peak() >= 1000 * sizeof(float) + 300000 * sizeof(double));
  CHECK(memory.peak() < 2500000);
}

TEST_CASE("an arena_scope frees what was allocated during its lifetime") {
  arena<cpu> memory;
  int* first = memory.allocate<int>(10);
  int* inside;
  {
    const arena_scope guard{memory};
    inside = memory.allocate<int>(10);
    CHECK(inside != first);
  }
  CHECK(memory.allocate<int>(10) == inside);
}

#if defined(__linux__) && !defined(__SANITIZE_THREAD__)  // whose own memory would be counted
TEST_CASE("memory of an arena occupies pages only where it is written") {
  const auto pages = [] {
    std::size_t whole = 0, resident = 0;
    std::ifstream{"/proc/self/statm"} >> whole >> resident;
    return resident * 4096;
  };
  arena<cpu> memory;
  memory.allocate<char>(1000);
  constexpr std::size_t large = std::size_t{256} << 20, half = large / 2;
  const std::size_t before = pages();
  for (const std::size_t bytes : {large, half, large}) {
    const arena_scope guard{memory};
    char* const data = memory.allocate<char>(bytes);
    CHECK(data != nullptr);
    if (bytes == half) std::fill_n(data, bytes, char{1});
  }
  CHECK(pages() < before + half + (std::size_t{8} << 20));
  CHECK(pages() > before + half / 2);
}
#endif

TEST_CASE("the peak of an arena is the largest memory in use at once") {
  arena<cpu> memory;
  for (const std::size_t large : {std::size_t{1} << 17, std::size_t{1} << 19, std::size_t{1} << 18}) {
    const arena_scope guard{memory};
    memory.allocate<char>(1000);
    memory.allocate<char>(large);
    memory.allocate<char>(large / 2);
  }
  CHECK(memory.peak() == 1024 + (1 << 19) + (1 << 18));
}

namespace {

/// A device without pages_on_demand, such as a GPU.
struct limited_device {
  static inline bool exhausted = false;

  template <class T>
  static T* allocate_undefined(std::size_t count) {
    if (exhausted) throw std::bad_alloc{};
    return cpu::allocate_undefined<T>(count);
  }
  template <class T>
  static T* allocate(std::size_t count) {
    return cpu::allocate<T>(count);
  }
  template <class T>
  static void release(T* data) {
    cpu::release(data);
  }
};

template <class Device>
void counts_blocks() {
  arena<Device> memory;
  std::size_t before = 0;
  for (int step = 0; step < 5; ++step) {
    before = memory.blocks_allocated();
    memory.template allocate<char>(100000);
    memory.template allocate<char>(200000);
    memory.reset();
    CHECK((memory.blocks_allocated() == before) == (step > 0));
  }
  memory.template allocate<char>((std::size_t{1} << 30) + 1);
  CHECK(memory.blocks_allocated() == before + 1);
}

}  // namespace

TEST_CASE("an arena counts its blocks, and allocates none while steps repeat") {
  counts_blocks<cpu>();
  counts_blocks<limited_device>();
}
TEST_CASE("where memory runs out, an allocation throws, and leaving a scope does not") {
  arena<limited_device> memory;
  {
    const arena_scope guard{memory};
    memory.allocate<char>(1000);
    memory.allocate<char>(200000);
    limited_device::exhausted = true;
  }  // here the two blocks would be merged
  CHECK_THROWS_AS(memory.allocate<char>(100), std::bad_alloc);
  limited_device::exhausted = false;
  char* const again = memory.allocate<char>(100000);
  again[99999] = 1;
  memory.reset();
  CHECK(memory.allocate<char>(100000) == again);
}
