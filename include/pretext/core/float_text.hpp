// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <clocale>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <pretext/core/cpp20.hpp>

// std::to_chars and std::from_chars of floats link 200 KB of tables into a static program. Both functions
// here use the C library, whose own printf has what they need, and are independent of the locale.
namespace pretext::inline v0_1::detail {

/// The shortest digits that name the value, as std::to_chars writes them: 0.1, 1e-07, nan.
template <std::floating_point Float>
std::string print_float(Float value) {
  const auto number = static_cast<double>(value);
  constexpr int most_digits = 17;
  std::array<char, 40> text{};
  int digits = 0;
  do std::snprintf(text.data(), text.size(), "%.*e", digits++, number);
  while (digits < most_digits && static_cast<Float>(std::strtod(text.data(), nullptr)) != value);
  std::string shortest = text.data();
  if (const char* exponent_at = std::strchr(text.data(), 'e')) {  // none in inf and nan
    const int exponent = std::atoi(exponent_at + 1), decimals = digits - 1 - exponent;
    if (exponent > -8 && exponent < 24) {
      std::snprintf(text.data(), text.size(), "%.*f", decimals > 0 ? decimals : 0, number);
      if (std::strlen(text.data()) <= shortest.size()) shortest = text.data();
    }
  } else {
    shortest.resize(text[0] == '-' ? 4 : 3);  // some libraries write more, such as nan(0x1)
    return shortest;
  }
  const std::string_view point = std::localeconv()->decimal_point;
  if (const std::size_t at = shortest.find(point); at != shortest.npos) {
    shortest[at] = '.';
    shortest.erase(at + 1, point.size() - 1);
  }
  return shortest;
}

/// The number that the beginning of a text is, and how many characters that are; nothing if there is none, or
/// none that Float can hold. Infinity and NaN are no numbers here.
template <std::floating_point Float>
std::optional<Float> parse_float(std::string_view text, std::size_t& length) {
  const auto digits_from = [&](std::size_t at) {
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at;
  };
  const std::size_t whole = !text.empty() && text[0] == '-', point = digits_from(whole);
  std::size_t end = point;
  if (point < text.size() && text[point] == '.') end = digits_from(point + 1);
  if (end - whole - (end > point) == 0) return std::nullopt;
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    const std::size_t power =
        end + 1 + (end + 1 < text.size() && (text[end + 1] == '-' || text[end + 1] == '+'));
    if (digits_from(power) > power) end = digits_from(power);
  }
  std::string copy{text.substr(0, end)};
  if (end > point && text[point] == '.') copy.replace(point, 1, std::localeconv()->decimal_point);
  Float value;
  if constexpr (std::same_as<Float, float>)
    value = std::strtof(copy.c_str(), nullptr);
  else
    value = static_cast<Float>(std::strtod(copy.c_str(), nullptr));
  if (value > (std::numeric_limits<Float>::max)() || value < std::numeric_limits<Float>::lowest())
    return std::nullopt;
  length = end;
  return value;
}

}  // namespace pretext::inline v0_1::detail
