// SPDX-License-Identifier: MIT
#pragma once
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::detail {

/// The number that the whole text is, in the C locale; nothing for any other text and for a number that does
/// not fit into `Number`.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace pretext::inline v0_1::detail
