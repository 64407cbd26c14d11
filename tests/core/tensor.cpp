#include <doctest/doctest.h>

#include <cstddef>
#include <map>
#include <new>
#include <utility>

#include <pretext/core/tensor.hpp>

using namespace pretext;

namespace {

/// Counts the bytes that are allocated at once, and refuses more than `limit`.
struct counted {
  static inline std::map<void*, std::size_t> live{};
  static inline std::size_t limit = 1000, peak = 0;

  static std::size_t bytes() {
    std::size_t sum = 0;
    for (const auto& [memory, size] : live) sum += size;
    return sum;
  }
  template <class T>
  static T* allocate(std::size_t count) {
    if (bytes() + count * sizeof(T) > limit) throw std::bad_alloc{};
    T* const data = new T[count]{};
    live[data] = count * sizeof(T);
    peak = bytes() > peak ? bytes() : peak;
    return data;
  }
  template <class T>
  static void release(T* data) {
    live.erase(data);
    delete[] data;
  }
};

}  // namespace

TEST_CASE("moving into a buffer releases its old memory at once") {
  {
    buffer<char, counted> a{100}, b{30};
    a = std::move(b);
    CHECK(counted::bytes() == 30);
    CHECK(a.size() == 30);
    CHECK(b.size() == 0);
    CHECK(b.data() == nullptr);
    buffer<char, counted>& same = a;
    a = std::move(same);
    CHECK(a.size() == 30);
    a = {};
    CHECK(counted::bytes() == 0);
  }
  CHECK(counted::live.empty());
}

TEST_CASE("a tensor that grows does not hold its old memory beside the new one") {
  counted::peak = 0;
  tensor<char, shape<2, 3>, counted> batch{10};
  CHECK(batch.resize(12).size() == 72);
  CHECK(counted::peak == 72);
}

TEST_CASE("a tensor that shrinks and grows back keeps its memory, and is empty where memory runs out") {
  tensor<char, shape<10>, counted> batch{50};
  const char* const memory = batch.view().data;
  CHECK(batch.resize(3).batch == 3);
  CHECK(batch.resize(50).data == memory);
  CHECK_THROWS_AS(batch.resize(101), std::bad_alloc);
  CHECK(batch.view().batch == 0);
  CHECK(batch.resize(100).batch == 100);
}

TEST_CASE("parts of a view and views of another shape show the same elements") {
  int numbers[24]{};
  const tensor_view<int, shape<2, 3>> view{numbers, 4};
  CHECK(view.size() == 24);
  CHECK(view.part(1, 2).data == numbers + 6);
  CHECK(view.part(1, 2).batch == 2);
  const tensor_view<const int, shape<6>> flat = view.as<shape<6>>();
  CHECK(flat.data == numbers);
  CHECK(flat.batch == 4);
}
