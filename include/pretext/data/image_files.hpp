// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/data/left_out.hpp>
#include <pretext/io/decode.hpp>

// The order in which a file system lists a folder differs from machine to machine: whatever depends on it is
// sorted.
namespace pretext::inline v0_1 {

/// The image files in a folder and its sub-folders.
struct image_files {
  std::vector<std::string> paths;  ///< relative to the folder, with '/', in the order of their bytes
  left_out others;
  std::string example;  ///< the first of the files of other kinds; empty if there are none
};

namespace detail {

inline std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// Is this a folder of a system, with thumbnails, deleted files and the like?
inline bool is_system_folder(const std::string& name) {
  constexpr std::array<std::string_view, 8> known{"__macosx",   "@eadir",       "#recycle",
                                                  "@recycle",   "$recycle.bin", "system volume information",
                                                  "lost+found", "#snapshot"};
  return std::find(known.begin(), known.end(), lower_case(name)) != known.end();
}

/// Is this a file that a file manager leaves behind? Hidden files are, too.
inline bool is_system_file(const std::string& name) {
  const std::string lower = lower_case(name);
  return name.starts_with('.') || lower == "thumbs.db" || lower == "ehthumbs.db" || lower == "desktop.ini";
}

/// The names in a folder, sorted, without hidden ones.
struct folder_listing {
  std::vector<std::string> folders, system_folders;  ///< links to folders, too
  std::vector<std::string> files;                    ///< everything else
  std::error_code error;                             ///< why the folder cannot be listed

  explicit folder_listing(const std::filesystem::path& folder) {
    std::filesystem::directory_iterator entry{folder, error};
    for (; !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      std::error_code ignored;
      if (is_system_file(name)) continue;
      if (!entry->is_directory(ignored))
        files.push_back(name);
      else
        (is_system_folder(name) ? system_folders : folders).push_back(name);
    }
    for (auto* names : {&folders, &files, &system_folders}) std::sort(names->begin(), names->end());
  }
};

/// Walks through a folder and its sub-folders. Follows links to folders, but not to those that it is in.
class image_finder {
 public:
  image_files found;
  bool stops_at_first = false;  ///< when one image was found

  /// Returns why the folder cannot be listed.
  std::error_code visit(const std::filesystem::path& folder, const std::string& relative = "") {
    const folder_listing names{folder};
    if (names.error) return names.error;
    for (const auto& name : names.files) add_file(name, relative);
    for (const auto& name : names.system_folders) found.others.folders.push_back(relative + name);
    ancestors_.push_back(folder);
    for (const auto& name : names.folders) {
      if (stops_at_first && !found.paths.empty()) break;
      const auto path = folder / name;
      if (is_link_to_ancestor(path)) continue;
      if (const auto error = visit(path, relative + name + "/"))
        found.others.folders.push_back(relative + name + " (" + error.message() + ")");
    }
    ancestors_.pop_back();
    return {};
  }

 private:
  void add_file(const std::string& name, const std::string& relative) {
    const std::string suffix = lower_case(std::filesystem::path{name}.extension().string());
    if (is_image_suffix(suffix)) {
      found.paths.push_back(relative + name);
    } else {
      ++found.others.files[suffix];
      if (found.example.empty() || relative + name < found.example) found.example = relative + name;
    }
  }
  bool is_link_to_ancestor(const std::filesystem::path& path) const {
    std::error_code ignored;
    return std::filesystem::is_symlink(path, ignored) &&
           std::any_of(ancestors_.begin(), ancestors_.end(), [&](const std::filesystem::path& each) {
             return std::filesystem::equivalent(path, each, ignored);
           });
  }

  std::vector<std::filesystem::path> ancestors_;
};

}  // namespace detail

/// Finds the image files in a folder and its sub-folders, recognised by their suffixes. Hidden files, folders
/// of systems (thumbnails, recycle bins) and sub-folders that cannot be listed are left out. Throws
/// std::runtime_error if the folder itself does not exist or cannot be listed.
inline image_files find_image_files(const std::filesystem::path& folder) {
  detail::image_finder finder;
  if (const auto error = finder.visit(folder))
    throw_error<std::runtime_error>(folder.string(), ": cannot list the folder: ", error.message());
  std::sort(finder.found.paths.begin(), finder.found.paths.end());
  return std::move(finder.found);
}

/// The direct sub-folders of a folder that contain an image: its classes, if there are two or more.
inline std::vector<std::string> class_folders_of(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (auto& name : detail::folder_listing{folder}.folders) {
    detail::image_finder finder;
    finder.stops_at_first = true;
    finder.visit(folder / name);
    if (!finder.found.paths.empty()) names.push_back(std::move(name));
  }
  return names.size() > 1 ? names : std::vector<std::string>{};
}

}  // namespace pretext::inline v0_1
