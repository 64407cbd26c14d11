#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <initializer_list>
#include <limits>

#include <pretext/core/bfloat16.hpp>

using namespace pretext;

namespace {

float rounded(float x) { return static_cast<float>(bfloat16{x}); }

bfloat16 of_bits(std::uint32_t bits) {
  bfloat16 made;
  made.bits = static_cast<std::uint16_t>(bits);
  return made;
}

}  // namespace

TEST_CASE("every bfloat16 is a float that rounds to itself") {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto x = static_cast<float>(of_bits(bits));
    if (std::isnan(x))
      CHECK(std::isnan(rounded(x)));
    else
      CHECK(bfloat16{x}.bits == bits);
  }
}

TEST_CASE("a float between two bfloat16 rounds to the nearer, ties to even") {
  for (std::uint32_t bits = 0; bits < 0x7f80; bits += 7)
    for (float sign : {1.0f, -1.0f}) {
      const auto lower = static_cast<float>(of_bits(bits)), upper = static_cast<float>(of_bits(bits + 1));
      if (std::isinf(upper)) continue;
      const float middle = lower + (upper - lower) / 2;
      const float less = std::nextafter(middle, lower), more = std::nextafter(middle, upper);
      CHECK(rounded(sign * middle) == sign * (bits % 2 ? upper : lower));
      CHECK(rounded(sign * less) == sign * lower);
      CHECK(rounded(sign * more) == sign * upper);
    }
}

TEST_CASE("values beyond the range become infinite, and NaN stays NaN") {
  constexpr float largest = std::numeric_limits<float>::max(),
                  infinity = std::numeric_limits<float>::infinity();
  CHECK(rounded(largest) == infinity);
  CHECK(rounded(-infinity) == -infinity);
  for (std::uint32_t payload : {0x7f800001u, 0x7fffffffu, 0xff8000ffu, 0xffffffffu})
    CHECK(std::isnan(rounded(std::bit_cast<float>(payload))));
}

TEST_CASE("a double is rounded to float first, and a bfloat16 converts to double exactly") {
  CHECK(bfloat16{1.0 + 0x1p-9}.bits == bfloat16{1.0f}.bits);
  CHECK(bfloat16{3.14159265358979}.bits == bfloat16{3.14159265f}.bits);
  CHECK(static_cast<double>(bfloat16{-0.15625}) == -0.15625);
}
