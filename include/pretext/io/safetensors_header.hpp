// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/io/utf8.hpp>

namespace pretext::inline v0_1::detail {

/// The entry of one tensor in the header of a safetensors file; offsets count from the end of the header.
struct tensor_entry {
  std::string name, dtype;
  std::vector<std::size_t> shape;
  std::uint64_t begin = 0, end = 0;
  std::size_t at = 0;  ///< the byte of the file at which the entry begins
};

struct safetensors_header {
  std::map<std::string, std::string> metadata;
  std::vector<tensor_entry> tensors;
};

/// Parses the JSON of a safetensors header: an object of tensors, each with exactly dtype, shape and
/// data_offsets, and of texts in __metadata__. Anything else throws std::runtime_error with the byte of the
/// file.
class header_parser {
 public:
  header_parser(std::string_view file, std::string_view text, std::size_t first_byte)
      : file_{file}, text_{text}, first_byte_{first_byte} {}

  safetensors_header parse() {
    safetensors_header header;
    std::map<std::string, std::size_t> seen;
    expect_valid_utf8();
    if (text_.empty() || text_[0] != '{') reject("the header does not begin with '{'");
    for_each_member([&](const std::string& name, std::size_t at) {
      if (!seen.emplace(name, at).second) reject_at(at, str_cat("the name ", quote(name), " occurs twice"));
      if (name == "__metadata__")
        parse_metadata(header.metadata);
      else
        header.tensors.push_back(parse_tensor(name, at));
    });
    skip_space();
    if (at_ != text_.size()) reject("the header continues after its last brace");
    return header;
  }

  /// Parses a text that is an array of strings and nothing else.
  std::vector<std::string> parse_strings() {
    std::vector<std::string> strings;
    expect_valid_utf8();
    expect('[');
    if (!take(']')) {
      do {
        skip_space();
        strings.push_back(parse_string());
      } while (take(','));
      expect(']');
    }
    skip_space();
    if (at_ != text_.size()) reject("the text continues after its last bracket");
    return strings;
  }

 private:
  [[noreturn]] void reject(std::string_view fault) const { reject_at(at_, fault); }
  [[noreturn]] void reject_at(std::size_t at, std::string_view fault) const {
    throw_error<std::runtime_error>(file_, ": byte ", first_byte_ + at, ": ", fault);
  }

  void expect_valid_utf8() const {
    const std::size_t fault = find_invalid_utf8(text_);
    if (fault != text_.size()) reject_at(fault, "the header is not UTF-8");
  }

  void skip_space() {
    while (at_ < text_.size() && std::string_view{" \t\r\n"}.find(text_[at_]) != std::string_view::npos)
      ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) reject(str_cat("expected '", std::string(1, c), "'"));
  }

  template <class Visit>
  void for_each_member(Visit visit) {
    expect('{');
    if (take('}')) return;
    do {
      skip_space();
      const std::size_t at = at_;
      const std::string name = parse_string();
      expect(':');
      visit(name, at);
    } while (take(','));
    expect('}');
  }

  void parse_metadata(std::map<std::string, std::string>& metadata) {
    for_each_member([&](const std::string& name, std::size_t at) {
      if (!metadata.emplace(name, parse_string()).second)
        reject_at(at, str_cat("the name ", quote(name), " occurs twice"));
    });
  }

  tensor_entry parse_tensor(const std::string& name, std::size_t at) {
    tensor_entry entry{.name = name, .dtype = {}, .shape = {}, .at = at};
    bool has_dtype = false, has_shape = false, has_offsets = false;
    const auto once = [&](bool& has, std::size_t where, const std::string& key) {
      if (has) reject_at(where, str_cat(quote(key), " occurs twice in ", quote(name)));
      has = true;
    };
    for_each_member([&](const std::string& key, std::size_t where) {
      if (key == "dtype") {
        once(has_dtype, where, key);
        entry.dtype = parse_string();
      } else if (key == "shape") {
        once(has_shape, where, key);
        for (const auto extent : parse_integers()) entry.shape.push_back(static_cast<std::size_t>(extent));
      } else if (key == "data_offsets") {
        once(has_offsets, where, key);
        const auto offsets = parse_integers();
        if (offsets.size() != 2) reject_at(where, str_cat(quote(name), " needs two data_offsets"));
        entry.begin = offsets[0];
        entry.end = offsets[1];
      } else {
        reject_at(where, str_cat(quote(name), " has an unknown member ", quote(key)));
      }
    });
    if (!has_dtype || !has_shape || !has_offsets)
      reject_at(at, str_cat(quote(name), " lacks its dtype, shape or data_offsets"));
    return entry;
  }

  std::vector<std::uint64_t> parse_integers() {
    std::vector<std::uint64_t> integers;
    expect('[');
    if (take(']')) return integers;
    do integers.push_back(parse_integer());
    while (take(','));
    expect(']');
    return integers;
  }

  std::uint64_t parse_integer() {
    skip_space();
    const std::size_t begin = at_;
    std::uint64_t value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      const auto digit = static_cast<std::uint64_t>(text_[at_] - '0');
      if (value > ((std::numeric_limits<std::uint64_t>::max)() - digit) / 10)
        reject_at(begin, "the number is too large");
      value = 10 * value + digit;
    }
    if (at_ == begin || (text_[begin] == '0' && at_ > begin + 1))
      reject_at(begin, "expected a non-negative integer");
    return value;
  }

  std::string parse_string() {
    expect('"');
    std::string value;
    for (;;) {
      if (at_ == text_.size()) reject("a string is not terminated");
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < 0x20) reject("a string contains a control character");
      ++at_;
      if (c == '"') return value;
      if (c != '\\')
        value += c;
      else
        parse_escape(value);
    }
  }

  void parse_escape(std::string& value) {
    constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    if (at_ == text_.size()) reject("a string is not terminated");
    if (const auto found = letters.find(text_[at_]); found != std::string_view::npos) {
      value += meanings[found];
      ++at_;
      return;
    }
    if (text_[at_] != 'u') reject("a string has an unknown escape");
    std::uint32_t point = parse_hex();
    if (point >= 0xD800 && point < 0xDC00) {  // a surrogate pair encodes one code point
      if (text_.substr(at_, 2) != "\\u") reject("half of a surrogate pair is missing");
      ++at_;
      const std::uint32_t low = parse_hex();
      if (low < 0xDC00 || low > 0xDFFF) reject("half of a surrogate pair is missing");
      point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    } else if (point >= 0xDC00 && point <= 0xDFFF) {
      reject("half of a surrogate pair is missing");
    }
    append_utf8(value, point);
  }

  std::uint32_t parse_hex() {
    std::uint32_t point = 0;
    ++at_;
    for (int i = 0; i < 4; ++i, ++at_) {
      constexpr std::string_view digits = "0123456789abcdef";
      const char c = at_ < text_.size() ? text_[at_] : ' ';
      const auto digit = digits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
      if (digit == std::string_view::npos) reject("expected four hexadecimal digits");
      point = 16 * point + static_cast<std::uint32_t>(digit);
    }
    return point;
  }

  std::string_view file_, text_;
  std::size_t first_byte_, at_ = 0;
};

}  // namespace pretext::inline v0_1::detail
