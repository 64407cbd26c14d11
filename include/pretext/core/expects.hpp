// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <stdexcept>
#include <string>
#include <string_view>

#include <pretext/core/float_text.hpp>

namespace pretext::inline v0_1 {

namespace detail {
inline void append(std::string& text, std::string_view part) { text.append(part); }
template <std::integral Integer>
void append(std::string& text, Integer part) {
  text.append(std::to_string(part));
}
/// The shortest digits that name the value: 0.1 and not 0.100000.
template <std::floating_point Float>
void append(std::string& text, Float part) {
  text.append(print_float(part));
}
}  // namespace detail

/// Joins text and values into one sentence.
template <class... Parts>
std::string str_cat(const Parts&... parts) {
  std::string text;
  (detail::append(text, parts), ...);
  return text;
}

/// Throws `Error` with the joined text and values.
template <class Error = std::invalid_argument, class... Parts>
[[noreturn]] void throw_error(const Parts&... parts) {
  throw Error{str_cat(parts...)};
}

/// Throws `std::invalid_argument` with the joined text and values unless the condition holds.
template <class... Parts>
void expects(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    throw_error(parts...);
}

}  // namespace pretext::inline v0_1
