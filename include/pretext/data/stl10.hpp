// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/data/records.hpp>

namespace pretext::inline v0_1 {

/// STL-10 in its binary version (train_X.bin, train_y.bin, test_X.bin, test_y.bin, unlabeled_X.bin): 96x96
/// RGB, ten classes, and 100 000 images without labels. Throws std::runtime_error with the file if one is
/// missing, truncated or contains an invalid label.
inline record_source open_stl10(const std::filesystem::path& folder,
                                dataset_split part = dataset_split::train) {
  const std::string prefix = part == dataset_split::train  ? "train"
                             : part == dataset_split::test ? "test"
                                                           : "unlabeled";
  record_source source{{.height = 96, .width = 96, .column_major = true}, {folder / (prefix + "_X.bin")}};
  if (part == dataset_split::unlabeled) return source;
  std::vector<int> labels;
  const auto path = folder / (prefix + "_y.bin");
  for (const std::byte label : read_file(path))
    labels.push_back(static_cast<int>(label) - 1);  // the file counts from 1
  auto names = detail::lines_of(folder / "class_names.txt");
  if (names.size() != 10)
    names = {"airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"};
  try {
    source.set_labels(std::move(labels), std::move(names));
  } catch (const std::runtime_error& error) {
    throw_error<std::runtime_error>(path.string(), ": ", error.what());
  }
  return source;
}

}  // namespace pretext::inline v0_1
