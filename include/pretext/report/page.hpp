// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include <pretext/core/is_finite.hpp>
#include <pretext/io/utf8.hpp>
#include <pretext/report/style.hpp>

namespace pretext::inline v0_1::page {

/// Text escaped for the content of an element or a quoted attribute. Bytes that are not UTF-8, such as those
/// of a file's name, and control characters that HTML has not become U+FFFD.
inline std::string escape(std::string_view text) {
  constexpr std::string_view replacement = "\xEF\xBF\xBD";
  std::string safe;
  safe.reserve(text.size());
  for (std::size_t valid = 0; !text.empty(); text.remove_prefix(1)) {
    if (valid == 0) valid = detail::find_invalid_utf8(text) + 1;  // scanned once, up to the next fault
    const char c = text[0];
    if (--valid == 0)
      safe += replacement;
    else if (c == '&')
      safe += "&amp;";
    else if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else if (c == '"')
      safe += "&quot;";
    else if (c == '\'')
      safe += "&#39;";
    else if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r')
      safe += replacement;
    else
      safe += c;
  }
  return safe;
}

/// Base64 by RFC 4648, with padding.
inline std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k)
      word = word << 8 | (k < count ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k) text += k <= count ? digits[word >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

/// A number with `decimals` decimals, independent of the locale; a dash for NaN and infinity.
inline std::string fixed(double value, int decimals) {
  char text[64];
  if (!pretext::detail::is_finite(value) || std::abs(value) > 1e40) return "–";
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, decimals).ptr;
  const std::string digits{text, end};
  return digits.find_first_not_of("-0.") == std::string::npos && digits[0] == '-' ? digits.substr(1) : digits;
}

/// A fraction as a percentage, in HTML; a dash for NaN.
inline std::string percent(double fraction) {
  return pretext::detail::is_finite(fraction) ? fixed(100 * fraction, 1) + "<small>%</small>" : "–";
}

/// A fraction as a CSS length, clamped to [0%, 100%].
inline std::string css_percent(double fraction) {
  return pretext::detail::is_finite(fraction) ? fixed(100 * std::clamp(fraction, 0.0, 1.0), 2) + "%" : "0%";
}

/// An attribute name="value" of an element; the value is escaped when it is written.
struct attribute {
  std::string_view name;
  std::string value;
};

/// An element around content that is HTML already; an `img` has no content and no end tag.
inline std::string element(std::string_view name, std::initializer_list<attribute> attributes,
                           std::string_view content = {}) {
  std::string html{"<"};
  html += name;
  for (const auto& [key, value] : attributes) html.append(" ").append(key) += "=\"" + escape(value) + "\"";
  html += ">";
  if (name == "img") return html;
  return html.append(content).append("</").append(name) + ">";
}

/// An element around plain text, which is escaped.
inline std::string text_element(std::string_view name, std::initializer_list<attribute> attributes,
                                std::string_view text) {
  return element(name, attributes, escape(text));
}

/// A section with a heading and, unless it is empty, a lead paragraph.
inline std::string section(std::string_view title, std::string_view lead, std::string_view content) {
  std::string html = text_element("h2", {}, title);
  if (!lead.empty()) html += text_element("p", {{"class", "lead"}}, lead);
  return element("section", {}, html.append(content)) + "\n";
}

/// The beginning of a page up to its main element, with the style sheet.
inline std::string head(std::string_view title) {
  std::string html =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">";
  html += text_element("title", {}, title) + "<style>\n";
  return html.append(style).append(colors()) + "</style></head><body><main>\n";
}

/// The end of a page, with the script.
inline std::string foot() {
  return std::string{"</main><script>\n"}.append(script) + "</script></body></html>\n";
}

}  // namespace pretext::inline v0_1::page
