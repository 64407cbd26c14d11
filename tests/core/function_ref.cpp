#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <utility>

#include <pretext/core/function_ref.hpp>

using namespace pretext;

namespace {
int called_with(function_ref<int(int)> call, int x) { return call(x); }
}  // namespace

TEST_CASE("a reference calls the callable itself, not a copy of it") {
  int calls = 0;
  auto counting = [calls, &all = calls](int x) mutable {
    ++all;
    return calls += x;
  };
  const function_ref<int(int)> call{counting};
  CHECK(call(1) == 1);
  CHECK(call(2) == 3);
  CHECK(counting(3) == 6);
  CHECK(calls == 3);
}

TEST_CASE("const callables and copies of references can be called") {
  auto twice = [](int x) { return 2 * x; };
  CHECK(called_with(twice, 4) == 8);
  const auto thrice = [](int x) { return 3 * x; };
  CHECK(called_with(thrice, 4) == 12);
  function_ref<int(int)> first{twice};
  const function_ref<int(int)> second{first};
  first = function_ref<int(int)>{thrice};
  CHECK(second(5) == 10);
  CHECK(first(5) == 15);
}

TEST_CASE("arguments are forwarded, and exceptions reach the caller") {
  const auto take = [](std::unique_ptr<int> owned, int& changed) { changed = *owned; };
  int changed = 0;
  function_ref<void(std::unique_ptr<int>, int&)>{take}(std::make_unique<int>(7), changed);
  CHECK(changed == 7);
  const auto refuse = [] { throw std::runtime_error{"no"}; };
  CHECK_THROWS_AS(function_ref<void()>{refuse}(), std::runtime_error);
}

TEST_CASE("a callable of another signature does not convert") {
  const auto of_pointer = [](int*) {};
  static_assert(!std::is_constructible_v<function_ref<void(int)>, decltype(of_pointer)&>);
  static_assert(std::is_constructible_v<function_ref<void(int*)>, decltype(of_pointer)&>);
}
