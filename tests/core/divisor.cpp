#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include <pretext/core/divisor.hpp>

using pretext::divisor;

namespace {

constexpr std::uint32_t largest = 0xFFFFFFFF;

/// Checks quotients around small, medium and the largest multiples, where they change.
bool divides(std::uint32_t by) {
  const divisor d{by};
  bool right = d.value() == by;
  for (const std::uint32_t times : {0u, 1u, 2u, 3u, 1000u, largest / by / 2, largest / by - 1, largest / by})
    for (std::uint32_t off = 0; off < 5; ++off)
      for (const std::uint32_t n : {times * by + off, times * by - off}) right &= d.quotient(n) == n / by;
  for (std::uint32_t n = largest; n > largest - 5; --n) right &= d.quotient(n) == n / by;
  return right;
}

}  // namespace

TEST_CASE("quotients equal those of integer division") {
  for (std::uint32_t by = 1; by < 100000; ++by) REQUIRE(divides(by));
  for (std::uint64_t by = 100000; by < largest; by += by / 37)
    REQUIRE(divides(static_cast<std::uint32_t>(by)));
  for (unsigned bit = 1; bit < 32; ++bit)
    for (const std::uint32_t by : {(1u << bit) - 1, 1u << bit, (1u << bit) + 1}) REQUIRE(divides(by));
  for (const std::uint32_t by : {largest, largest - 1, largest / 2, largest / 3}) REQUIRE(divides(by));
}

TEST_CASE("quotients of all 24-bit dividends by extents of images are exact") {
  for (const std::uint32_t by : {1u, 3u, 7u, 14u, 28u, 56u, 147u, 224u, 4608u}) {
    const divisor d{by};
    std::uint32_t wrong = 0;
    for (std::uint32_t n = 0; n < 1u << 24; ++n) wrong += d.quotient(n) != n / by;
    CHECK(wrong == 0);
  }
}

static_assert(divisor{7}.quotient(48) == 6);
