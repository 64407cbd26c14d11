// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::detail {

/// The first byte that is not well-formed UTF-8 (RFC 3629), or the size of the text.
constexpr std::size_t find_invalid_utf8(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  for (std::size_t at = 0; at < text.size();) {
    const unsigned lead = byte(at);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF5 ? 4
                                             : 0;
    if (length == 0 || at + length > text.size()) return at;
    for (std::size_t i = 1; i < length; ++i)
      if ((byte(at + i) & 0xC0u) != 0x80) return at;
    // The second byte reveals overlong forms, surrogates and code points above U+10FFFF.
    const unsigned second = length > 1 ? byte(at + 1) : 0;
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
        (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F))
      return at;
    at += length;
  }
  return text.size();
}

/// Appends the UTF-8 encoding of a code point, which must not be a surrogate.
inline void append_utf8(std::string& text, std::uint32_t point) {
  const auto put = [&](std::uint32_t bits) { text += static_cast<char>(bits); };
  if (point < 0x80) return put(point);
  if (point < 0x800) {
    put(0xC0 | point >> 6);
  } else {
    if (point < 0x10000) {
      put(0xE0 | point >> 12);
    } else {
      put(0xF0 | point >> 18);
      put(0x80 | (point >> 12 & 0x3F));
    }
    put(0x80 | (point >> 6 & 0x3F));
  }
  put(0x80 | (point & 0x3F));
}

/// The text as a quoted JSON string.
inline std::string quote_json(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      (quoted += '\\') += c;
    else if (const auto code = static_cast<unsigned char>(c); code < 0x20)
      ((quoted += "\\u00") += digits[code >> 4]) += digits[code & 15];
    else
      quoted += c;
  }
  return quoted += '"';
}

/// The number of bytes of the control character (C0, DEL or C1) at `at`, or 0 for any other character.
constexpr std::size_t control_character(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x20 || byte == 0x7F) return 1;
  if (byte != 0xC2 || at + 1 == text.size()) return 0;
  return static_cast<unsigned char>(text[at + 1]) < 0xA0 ? 2 : 0;
}

/// Appends the bytes as \xNN.
inline void append_hex(std::string& text, std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    ((text += "\\x") += digits[byte >> 4]) += digits[byte & 15];
  }
}

/// A message for a terminal: control characters, which may come from the name of a file, become \xNN. Line
/// breaks may be kept. Other bytes stay as they are, so that a name that is not UTF-8 is the one on the disk.
inline std::string printable(std::string_view text, bool keep_line_breaks = true) {
  std::string shown;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = control_character(text, at);
    if (bytes > 0 && !(keep_line_breaks && text[at] == '\n')) {
      append_hex(shown, text.substr(at, bytes));
      at += bytes;
    } else {
      shown += text[at++];
    }
  }
  return shown;
}

/// A text that comes from the contents of a file, for a message: in quotes, with control characters and bytes
/// that are not UTF-8 as \xNN, and cut after 80 bytes.
inline std::string quote(std::string_view text) {
  constexpr std::size_t most = 80;
  std::size_t end = std::min(most, text.size());
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80) --end;
  std::string quoted = "\"";
  for (std::size_t at = 0; at < end;) {
    const std::string_view rest = text.substr(at, end - at);
    const std::size_t valid = find_invalid_utf8(rest);
    quoted += printable(rest.substr(0, valid), false);
    if (valid < rest.size()) append_hex(quoted, rest.substr(valid, 1));
    at += std::min(valid + 1, rest.size());
  }
  return quoted += end < text.size() ? "\u2026\"" : "\"";
}

}  // namespace pretext::inline v0_1::detail
