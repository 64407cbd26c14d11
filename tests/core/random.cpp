#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include <pretext/core/random.hpp>

using namespace pretext;

// The known answers published with Random123 (Salmon et al. 2011).
static_assert(philox({0, 0, 0, 0}, 0) == philox_words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffffffffffff) ==
              philox_words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
static_assert(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822) ==
              philox_words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
static_assert(unit_interval(0) == 0.f && unit_interval(0xffffffff) < 1.f);

TEST_CASE("uniform numbers have the mean and variance of a uniform distribution and never reach one") {
  double sum = 0, square = 0;
  constexpr std::uint32_t count = 40000;
  for (std::uint32_t i = 0; i < count; ++i) {
    const double u = random_key{3, 1, i, 0}.uniform(7);
    REQUIRE(u >= 0);
    REQUIRE(u < 1);
    sum += u / count;
    square += u * u / count;
  }
  CHECK(std::abs(sum - 0.5) < 0.005);
  CHECK(std::abs(square - sum * sum - 1.0 / 12) < 0.002);
}

TEST_CASE("a change of seed, epoch, sample, view or draw changes the random numbers") {
  const random_key key{5, 2, 9, 1};
  std::set<std::uint32_t> words{key.word(4),
                                key.word(5),
                                random_key{6, 2, 9, 1}.word(4),
                                random_key{5, 3, 9, 1}.word(4),
                                random_key{5, 2, 10, 1}.word(4),
                                random_key{5, 2, 9, 0}.word(4),
                                random_key{5, 2, 9 + (std::uint64_t{1} << 32), 1}.word(4)};
  CHECK(words.size() == 7);
}

TEST_CASE("all integers below a bound are drawn about equally often") {
  int seen[7]{};
  for (std::uint32_t i = 0; i < 7000; ++i) ++seen[random_key{1, 0, i, 0}.uniform_int(0, 7)];
  for (int times : seen) CHECK(std::abs(times - 1000) < 150);
}
