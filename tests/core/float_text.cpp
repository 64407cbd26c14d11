#include <pretext/core/float_text.hpp>

#include <bit>
#include <charconv>
#include <clocale>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>

#include <doctest/doctest.h>

using namespace pretext;

namespace {

template <class Float>
std::string to_chars(Float value) {
  char text[400];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

/// A spread of bit patterns, from a linear congruence.
template <class Float, class Bits, class Use>
void for_each_value(const Use& use) {
  std::uint64_t state = 1;
  for (int i = 0; i < 20000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    if (const auto value = std::bit_cast<Float>(static_cast<Bits>(state >> (64 - 8 * sizeof(Bits))));
        value - value == 0)
      use(value);
  }
  for (int e = -12; e < 26; ++e)
    for (const char* digits : {"1", "-1.5", "9.99", "1.2345678"})
      use(static_cast<Float>(std::strtod((digits + ("e" + std::to_string(e))).c_str(), nullptr)));
}

template <class Float, class Bits>
void agrees_with_charconv() {
  int others = 0;
  for_each_value<Float, Bits>([&](Float value) {
    const std::string text = detail::print_float(value);
    others += text != to_chars(value);
    std::size_t length = 0;
    const auto back = detail::parse_float<Float>(text + " 1", length);
    CHECK_MESSAGE(back == value, text);
    CHECK(length == text.size());
  });
  CHECK(others == 0);
}

}  // namespace

TEST_CASE("floats are printed as std::to_chars prints them and read back exactly") {
  agrees_with_charconv<float, std::uint32_t>();
  agrees_with_charconv<double, std::uint64_t>();
  CHECK(detail::print_float(0.f) == "0");
  CHECK(detail::print_float(std::numeric_limits<double>::infinity()) == "inf");
  CHECK(detail::print_float(-std::numeric_limits<float>::infinity()) == "-inf");
  CHECK(detail::print_float(std::numeric_limits<float>::quiet_NaN()) == "nan");
}

TEST_CASE("a comma in the locale changes neither direction") {
  if (!std::setlocale(LC_NUMERIC, "de_DE.UTF-8") && !std::setlocale(LC_NUMERIC, "fr_FR.UTF-8")) {
    MESSAGE("there is no locale with a comma here");
    return;
  }
  CHECK(detail::print_float(.25f) == "0.25");
  std::size_t length = 0;
  CHECK(detail::parse_float<float>("0.25", length) == .25f);
  CHECK(length == 4);
  std::setlocale(LC_NUMERIC, "C");
}

TEST_CASE("what is no finite number is not read") {
  std::size_t length = 0;
  for (const char* text : {"", "-", ".", "e5", "inf", "nan", "+1", " 1", "1e999", "x"}) {
    CAPTURE(text);
    CHECK(!detail::parse_float<float>(text, length));
  }
  CHECK(detail::parse_float<float>("1e", length) == 1.f);
  CHECK(length == 1);
  CHECK(detail::parse_float<float>(".5.5", length) == .5f);
  CHECK(length == 2);
}
