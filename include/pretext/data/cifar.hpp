// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/data/records.hpp>

namespace pretext::inline v0_1 {

/// CIFAR-10 in its binary version (data_batch_1.bin … data_batch_5.bin, test_batch.bin): 32x32 RGB, ten
/// classes. Throws std::runtime_error with the file if one is missing, truncated or contains an invalid
/// label.
inline record_source open_cifar10(const std::filesystem::path& folder,
                                  dataset_split part = dataset_split::train) {
  expects(part != dataset_split::unlabeled, "CIFAR-10 has no unlabeled images");
  std::vector<std::filesystem::path> files;
  if (part == dataset_split::test)
    files = {folder / "test_batch.bin"};
  else
    for (const char number : {'1', '2', '3', '4', '5'})
      files.push_back(folder / (std::string{"data_batch_"} + number + ".bin"));
  record_source source{{.height = 32, .width = 32, .before_pixels = 1}, files};
  auto names = detail::lines_of(folder / "batches.meta.txt");
  if (names.size() != 10)
    names = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
  source.set_labels(source.bytes_of_records(0), std::move(names));
  return source;
}

/// CIFAR-100 in its binary version (train.bin, test.bin) with its hundred fine labels: 32x32 RGB. Throws
/// std::runtime_error with the file if one is missing, truncated or contains an invalid label.
inline record_source open_cifar100(const std::filesystem::path& folder,
                                   dataset_split part = dataset_split::train) {
  expects(part != dataset_split::unlabeled, "CIFAR-100 has no unlabeled images");
  record_source source{{.height = 32, .width = 32, .before_pixels = 2},
                       {folder / (part == dataset_split::test ? "test.bin" : "train.bin")}};
  auto names = detail::lines_of(folder / "fine_label_names.txt");
  if (names.size() != 100) {
    names.clear();
    for (int i = 0; i < 100; ++i) names.push_back(std::to_string(i));
  }
  source.set_labels(source.bytes_of_records(1), std::move(names));
  return source;
}

}  // namespace pretext::inline v0_1
