#include <pretext/core/parse_number.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include <doctest/doctest.h>

using pretext::detail::parse_number;

TEST_CASE("a text is a number as a whole or not at all") {
  CHECK(parse_number<std::size_t>("20") == 20);
  CHECK(parse_number<std::uint64_t>("18446744073709551615") == std::numeric_limits<std::uint64_t>::max());
  for (const char* text : {"", " 20", "20 ", "20\r", "2zz", "-1", "+1", "2.7", "5e10", "18446744073709551616",
                           "99999999999999999999999"})
    CHECK_FALSE(parse_number<std::uint64_t>(text));
  CHECK(parse_number<double>("-0.5") == -0.5);
  CHECK(parse_number<double>("2e-09") == 2e-9);
  CHECK(parse_number<double>("1e-310") == 1e-310);  // a denormal number
  for (const char* text : {"", "x", "0.5zzz", "0,5", "1e400", "0x10", "."})
    CHECK_FALSE(parse_number<double>(text));
  CHECK_FALSE(parse_number<double>(std::string(3, '\0')));
}
