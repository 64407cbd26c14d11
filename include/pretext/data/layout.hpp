// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <pretext/data/image_files.hpp>
#include <pretext/data/left_out.hpp>

namespace pretext::inline v0_1 {

/// The parts of a data set of image files, as people arrange them. Paths are empty where there is no such
/// part.
struct image_layout {
  std::filesystem::path root;   ///< the folder that contains the parts, or the images themselves
  std::filesystem::path train;  ///< `train` or `training`, in any capitals
  std::filesystem::path test;   ///< `test`, `val`, `valid`, `validation` or `testing`, in any capitals
  std::filesystem::path unlabeled;
  left_out others;  ///< files and folders of the root that belong to no part; empty if there are no parts

  bool has_parts() const { return !train.empty() || !test.empty() || !unlabeled.empty(); }
};

namespace detail {

inline bool has_file(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}
inline bool has_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

/// The folders of a listing that have one of these names in any capitals, in the order of `names`.
template <std::size_t N>
std::vector<std::string> folders_named(const folder_listing& listing,
                                       const std::array<std::string_view, N>& names) {
  std::vector<std::string> found;
  for (const auto name : names) {
    if (std::find(listing.folders.begin(), listing.folders.end(), name) != listing.folders.end())
      found.emplace_back(name);  // the lower-case one first
    for (const auto& folder : listing.folders)
      if (folder != name && lower_case(folder) == name) found.push_back(folder);
  }
  return found;
}

/// Do images of this folder have classes of the training images?
inline bool has_classes_of(const std::filesystem::path& folder, const folder_listing& train) {
  if (has_file(folder / "val_annotations.txt")) return true;
  const auto names = folder_listing{folder}.folders;
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::binary_search(train.folders.begin(), train.folders.end(), name);
  });
}

/// The parts among the sub-folders of one folder.
inline image_layout layout_at(const std::filesystem::path& root) {
  constexpr std::array<std::string_view, 2> train{"train", "training"}, unlabeled{"unlabeled", "unlabelled"};
  constexpr std::array<std::string_view, 5> test{"test", "val", "validation", "valid", "testing"};
  const folder_listing listing{root};
  image_layout layout{root, {}, {}, {}, {}};
  std::vector<std::string> used;
  const auto use = [&](const std::string& name) {
    used.push_back(name);
    return root / name;
  };
  if (const auto found = folders_named(listing, train); !found.empty()) layout.train = use(found.front());
  if (const auto found = folders_named(listing, unlabeled); !found.empty())
    layout.unlabeled = use(found.front());
  if (const auto found = folders_named(listing, test); !found.empty()) {
    // Both ImageNet and Tiny ImageNet have a folder test without labels, and labels for val.
    const folder_listing classes{layout.train.empty() ? root : layout.train};
    const auto labelled = std::find_if(found.begin(), found.end(), [&](const std::string& name) {
      return has_classes_of(root / name, classes);
    });
    layout.test = use(labelled == found.end() ? found.front() : *labelled);
  }
  if (!layout.has_parts()) return layout;
  for (const auto& name : listing.folders)
    if (std::find(used.begin(), used.end(), name) == used.end()) layout.others.folders.push_back(name);
  for (const auto& name : listing.files)
    ++layout.others.files[lower_case(std::filesystem::path{name}.extension().string())];
  return layout;
}

}  // namespace detail

/// Finds the parts of a data set in a folder, or deeper where the folder contains nothing but one sub-folder
/// with the parts, as an unpacked archive does.
inline image_layout find_layout(std::filesystem::path folder) {
  for (const std::string_view known : {"ILSVRC/Data/CLS-LOC", "Data/CLS-LOC"})
    if (detail::has_folder(folder / known / "train")) folder /= known;
  image_layout layout = detail::layout_at(folder), deeper = layout;
  for (int depth = 0; depth < 4 && !deeper.has_parts(); ++depth) {
    const detail::folder_listing listing{deeper.root};
    if (listing.folders.size() != 1) break;
    deeper = detail::layout_at(deeper.root / listing.folders.front());
  }
  return deeper.train.empty() ? layout : deeper;
}

}  // namespace pretext::inline v0_1
