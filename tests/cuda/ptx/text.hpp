#pragma once
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "program.hpp"

// The lexical elements of PTX: words, numbers, lists.
namespace pretext::tests::ptx {

[[noreturn]] inline void unknown(std::string_view what) {
  throw fault{"the PTX interpreter does not support `" + std::string{what} + "`: add it in tests/cuda/ptx"};
}

inline std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// The parts between separators outside of brackets.
inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && (text[i] == '{' || text[i] == '[' || text[i] == '(')) ++depth;
    if (i < text.size() && (text[i] == '}' || text[i] == ']' || text[i] == ')')) --depth;
    if (i < text.size() && (depth > 0 || text[i] != separator)) continue;
    if (const auto part = trimmed(text.substr(begin, i - begin)); !part.empty()) parts.push_back(part);
    begin = i + 1;
  }
  return parts;
}

/// A text without the brackets around it.
inline std::string_view inside(std::string_view text) { return trimmed(text.substr(1, text.size() - 2)); }

/// Consumes a text from its front, skipping blanks and comments.
class scanner {
 public:
  explicit scanner(std::string_view text) : left_{text} {}

  bool done() {
    skip();
    return left_.empty();
  }
  char front() const { return left_.front(); }
  std::string_view word() {
    skip();
    const auto letter = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '%' || c == '.' ||
             c == ':';
    };
    return take(static_cast<std::size_t>(std::ranges::find_if_not(left_, letter) - left_.begin()));
  }
  /// Up to a character, which is consumed as well.
  std::string_view until(char last) {
    const std::string_view part = take(std::min(left_.find(last), left_.size()));
    if (!left_.empty()) left_.remove_prefix(1);
    return trimmed(part);
  }
  /// The text between an opening bracket and its partner; consumes both.
  std::string_view brackets(char open, char close) {
    std::size_t depth = 0, at = 0;
    do {
      if (left_.size() <= at) unknown("unbalanced brackets");
      if (left_[at] == open) ++depth;
      if (left_[at] == close) --depth;
      ++at;
    } while (depth > 0);
    return inside(take(at));
  }

 private:
  std::string_view take(std::size_t count) {
    const std::string_view part = left_.substr(0, count);
    left_.remove_prefix(count);
    return part;
  }
  void skip() {
    for (;;) {
      left_ = left_.substr(std::min(left_.find_first_not_of(" \t\r\n"), left_.size()));
      if (!left_.starts_with("//")) return;
      left_ = left_.substr(std::min(left_.find('\n'), left_.size()));
    }
  }

  std::string_view left_;
};

/// The bits of a literal: `0f3F800000`, `0d…`, `0x…`, `-7`.
inline std::uint64_t number(std::string_view text) {
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' &&
      std::string_view{"fdxFDX"}.find(digits[1]) != std::string_view::npos) {
    digits.remove_prefix(2);
    base = 16;
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc{} || (end != digits.data() + digits.size() && *end != 'U')) unknown(text);
  return negative ? ~value + 1 : value;
}

/// A declaration of a variable or parameter: `.align 8 .b8 name[128]`, `.b64 name`, `.f32 name`.
struct declaration {
  std::string_view name;
  std::size_t bytes = 0, alignment = 1;
};
inline declaration declared(std::string_view text) {
  declaration made;
  scanner words{text};
  std::size_t element_bytes = 0;
  while (!words.done() && words.front() != '[') {
    const std::string_view word = words.word();
    if (word == ".align") {
      made.alignment = number(words.word());
    } else if (word.size() > 2 && word[0] == '.' && std::isdigit(static_cast<unsigned char>(word[2]))) {
      element_bytes = number(word.substr(2)) / 8;
    } else if (word.empty()) {
      unknown(text);
    } else if (word[0] != '.') {
      made.name = word;
    }
  }
  std::size_t count = 1;
  if (!words.done()) {
    const std::string_view extent = words.brackets('[', ']');
    count = extent.empty() ? 0 : number(extent);
  }
  if (made.name.empty() || element_bytes == 0) unknown(text);
  made.bytes = element_bytes * count;
  made.alignment = std::max(made.alignment, count == 1 ? element_bytes : 1);
  return made;
}

}  // namespace pretext::tests::ptx
