// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/io/file.hpp>

namespace pretext::inline v0_1 {

/// The name of the file beside tar archives that names their classes, one line each: line 0 is class 0.
inline constexpr const char* class_list_name = "classes.txt";

/// Writes names of classes, one line each; a line feed, a carriage return and a backslash in a name are
/// written with C's escape sequences. Throws std::runtime_error if the file cannot be written.
inline void write_class_list(const std::filesystem::path& path, std::span<const std::string> names) {
  std::string text;
  for (const auto& name : names) {
    for (const char c : name) {
      if (c == '\\' || c == '\n' || c == '\r') text += '\\';
      text += c == '\n' ? 'n' : c == '\r' ? 'r' : c;
    }
    text += '\n';
  }
  write_atomically(path, text);
}

/// Reads names of classes; none if there is no such file. Throws std::runtime_error if it cannot be read.
inline std::vector<std::string> read_class_list(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  const auto bytes = read_file(path);
  const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  std::vector<std::string> names;
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') {
      if (name.ends_with('\r')) name.pop_back();  // of an editor
      names.push_back(std::exchange(name, {}));
    } else if (text[i] == '\\' && i + 1 < text.size()) {
      ++i;
      name += text[i] == 'n' ? '\n' : text[i] == 'r' ? '\r' : text[i];
    } else {
      name += text[i];
    }
  }
  if (!name.empty()) names.push_back(name);
  return names;
}

}  // namespace pretext::inline v0_1
