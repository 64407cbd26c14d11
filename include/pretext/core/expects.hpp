#pragma once
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace pretext {

namespace detail {
inline void say(std::string& sentence, std::string_view part) { sentence.append(part); }
template <class Number>
  requires std::is_arithmetic_v<Number>
void say(std::string& sentence, Number part) { sentence.append(std::to_string(part)); }
}  // namespace detail

/// Joins words and numbers into one sentence.
template <class... Parts>
std::string sentence(const Parts&... parts) {
  std::string text;
  (detail::say(text, parts), ...);
  return text;
}

/// Throws `Error` with a sentence made of words and numbers.
template <class Error = std::invalid_argument, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw Error{sentence(parts...)};
}

/// Throws `std::invalid_argument` with the sentence unless the condition holds.
template <class... Parts>
void expects(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail(parts...);
}

}  // namespace pretext
