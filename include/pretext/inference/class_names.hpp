// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/io/safetensors.hpp>
#include <pretext/io/safetensors_header.hpp>
#include <pretext/io/utf8.hpp>

// Metadata of a safetensors file are texts, so the names of classes are one text: a JSON array of strings.
namespace pretext::inline v0_1 {

/// Adds the names of classes, in the order of the classifier's outputs, to a file's metadata as "classes".
/// Names of folders may not be UTF-8: bytes that are not become the replacement character.
inline void write_class_names(std::span<const std::string> names, safetensors& file) {
  std::string list = "[";
  for (const std::string_view name : names) {
    std::string valid;
    for (std::size_t at = 0; at < name.size();) {
      const std::string_view rest = name.substr(at);
      const std::size_t length = detail::find_invalid_utf8(rest);
      valid += rest.substr(0, length);
      if (length < rest.size()) detail::append_utf8(valid, 0xFFFD);
      at += length + (length < rest.size());
    }
    (list += list.size() > 1 ? "," : "") += detail::quote_json(valid);
  }
  file.metadata["classes"] = list + "]";
}

/// The names of a classifier's `count` classes. Classes that the file does not name are called by their
/// numbers. Throws std::runtime_error that names the file if the metadata "classes" is no list of texts or
/// has more names than there are classes.
inline std::vector<std::string> read_class_names(const safetensors& file, std::size_t count) {
  std::vector<std::string> names;
  if (const auto found = file.metadata.find("classes"); found != file.metadata.end()) {
    try {
      names = detail::header_parser{"JSON", found->second, 0}.parse_strings();
    } catch (const std::runtime_error& fault) {
      throw_error<std::runtime_error>(file.origin, ": the metadata \"classes\" is no list of names; ",
                                      fault.what());
    }
  }
  if (names.size() > count)
    throw_error<std::runtime_error>(file.origin, ": the metadata \"classes\" has ", names.size(),
                                    " names, and the classifier has ", count, " outputs");
  while (names.size() < count) names.push_back(std::to_string(names.size()));
  return names;
}

}  // namespace pretext::inline v0_1
