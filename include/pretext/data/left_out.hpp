// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/io/utf8.hpp>

namespace pretext::inline v0_1 {

/// What a source does not contain although it is in the folder or archive that was opened, for programs to
/// say before they train.
struct left_out {
  std::map<std::string, std::size_t>
      files;                         ///< files of other kinds, by suffix in lower case (".webp", or "")
  std::vector<std::string> folders;  ///< folders that were passed over, with the reason: "lost+found (…)"
  /// Images whose class the training images lack, by class. They are in the source, with label -1.
  std::map<std::string, std::size_t> unknown_classes;

  /// Adds everything that `other` leaves out.
  void add(const left_out& other) {
    for (const auto& [suffix, count] : other.files) files[suffix] += count;
    folders.insert(folders.end(), other.folders.begin(), other.folders.end());
    for (const auto& [name, count] : other.unknown_classes) unknown_classes[name] += count;
  }
};

namespace detail {

/// "80 .webp, 40 .tif and 3 others": the largest counts first.
inline std::string list_counts(const std::map<std::string, std::size_t>& counts) {
  std::vector<std::pair<std::string, std::size_t>> sorted{counts.begin(), counts.end()};
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  constexpr std::size_t shown = 6;
  std::string text;
  std::size_t others = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i)
    if (i < shown)
      text += str_cat(
          i ? ", " : "", sorted[i].second, " ",
          sorted[i].first.empty() ? "without suffix" : printable(sorted[i].first.substr(0, 80), false));
    else
      others += sorted[i].second;
  return others ? str_cat(text, " and ", others, " others") : text;
}

inline std::size_t total(const std::map<std::string, std::size_t>& counts) {
  std::size_t sum = 0;
  for (const auto& [key, count] : counts) sum += count;
  return sum;
}

}  // namespace detail

/// One sentence per kind of thing that was left out, such as "120 files were left out: 80 .webp, 40 .tif";
/// none if nothing was.
inline std::vector<std::string> describe(const left_out& what) {
  std::vector<std::string> sentences;
  const auto were = [](std::size_t count, const char* noun) {
    return str_cat(count, " ", noun, count == 1 ? " was" : "s were");
  };
  if (!what.files.empty())
    sentences.push_back(
        str_cat(were(detail::total(what.files), "file"), " left out: ", detail::list_counts(what.files)));
  if (!what.folders.empty()) {
    std::string names;
    for (std::size_t i = 0; i < what.folders.size() && i < 6; ++i)
      names += (i ? ", " : "") + detail::printable(what.folders[i], false);
    if (what.folders.size() > 6) names += str_cat(" and ", what.folders.size() - 6, " others");
    sentences.push_back(str_cat(were(what.folders.size(), "folder"), " left out: ", names));
  }
  if (!what.unknown_classes.empty())
    sentences.push_back(str_cat(
        detail::total(what.unknown_classes),
        " images have a class that the training images lack: ", detail::list_counts(what.unknown_classes)));
  return sentences;
}

}  // namespace pretext::inline v0_1
