#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

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

}  // namespace pretext::inline v0_1::detail
