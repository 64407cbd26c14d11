#pragma once
#include <algorithm>
#include <array>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/data/cifar.hpp>
#include <pretext/data/folder.hpp>
#include <pretext/data/idx.hpp>
#include <pretext/data/source.hpp>
#include <pretext/data/stl10.hpp>

namespace pretext::inline v0_1 {

/// The split of a data set to open, and how its image files are decoded.
struct open_options {
  dataset_split part = dataset_split::train;
  decode_options decode{};
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

/// The first IDX file of a split whose name contains `kind` (idx3 for images, idx1 for labels); an empty path
/// if there is none.
inline std::filesystem::path find_idx(const std::filesystem::path& folder, std::string_view kind,
                                      dataset_split part) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    const std::string name = entry.path().filename().string();
    const auto has = [&](std::string_view word) { return name.find(word) != std::string::npos; };
    if (has(kind) && has("ubyte") && !name.ends_with(".gz") &&
        (has("t10k") || has("test")) == (part == dataset_split::test))
      found.push_back(entry.path());
  }
  return found.empty() ? std::filesystem::path{} : *std::min_element(found.begin(), found.end());
}

/// The subfolder that the archive of a well-known data set unpacks to, or `folder` itself.
inline std::filesystem::path unpacked(const std::filesystem::path& folder) {
  for (const std::string_view name :
       {"cifar-10-batches-bin", "cifar-100-binary", "stl10_binary", "raw", "MNIST/raw", "FashionMNIST/raw"})
    if (has_folder(folder / name)) return folder / name;
  return folder;
}

/// The subfolder with a split of a folder of images; an empty path if there is none.
inline std::filesystem::path part_folder(const std::filesystem::path& folder, dataset_split part) {
  const std::array<std::string_view, 3> tests{"test", "val", "validation"};
  if (part == dataset_split::test)
    for (const auto name : tests)
      if (has_folder(folder / name)) return folder / name;
  const std::string_view name = part == dataset_split::train ? "train" : "unlabeled";
  if (part != dataset_split::test && has_folder(folder / name)) return folder / name;
  return {};
}

}  // namespace detail

/// Opens the data set in a folder, recognised by its files: CIFAR-10 or CIFAR-100 (binary versions), STL-10,
/// IDX files (MNIST, Fashion-MNIST), or JPEG and PNG files, with subfolders `train` and `test` (or `val`) or
/// without. Throws std::runtime_error with the folder and what is missing.
inline any_source open_source(const std::filesystem::path& path, open_options options = {}) {
  const auto reject = [&](std::string_view fault) {
    throw_error<std::runtime_error>(path.string(), ": ", fault);
  };
  if (!std::filesystem::exists(path)) reject("there is no such folder");
  if (!detail::has_folder(path)) reject("this is a file; unpack the archive and pass its folder");
  const auto folder = detail::unpacked(path);
  if (detail::has_file(folder / "data_batch_1.bin")) return open_cifar10(folder, options.part);
  if (detail::has_file(folder / "train.bin")) return open_cifar100(folder, options.part);
  for (const std::string_view name : {"train_X.bin", "test_X.bin", "unlabeled_X.bin"})
    if (detail::has_file(folder / name)) return open_stl10(folder, options.part);
  if (detail::has_file(folder / "data_batch_1"))
    reject("this is CIFAR-10 in its Python version; get the binary version, cifar-10-binary.tar.gz");
  if (detail::has_file(folder / "meta") && detail::has_file(folder / "train"))
    reject("this is CIFAR-100 in its Python version; get the binary version, cifar-100-binary.tar.gz");
  for (const dataset_split any : {dataset_split::train, dataset_split::test})
    if (!detail::find_idx(folder, "idx3", any).empty()) {
      const auto images = detail::find_idx(folder, "idx3", options.part);
      if (images.empty()) reject("this folder of IDX files lacks the requested split");
      return open_idx(images, detail::find_idx(folder, "idx1", options.part));
    }
  if (const auto part = detail::part_folder(folder, options.part); !part.empty()) {
    folder_source images{part, options.decode};
    const auto train = detail::part_folder(folder, dataset_split::train);
    if (options.part == dataset_split::test && !train.empty())
      if (const folder_source training{train}; !training.class_names().empty())
        images.set_class_names(training.class_names());
    return images;
  }
  if (options.part == dataset_split::test) reject("there is no folder test, val or validation here");
  if (options.part == dataset_split::unlabeled) reject("there is no folder unlabeled here");
  if (!detail::part_folder(folder, dataset_split::test).empty())
    reject("there is a folder with test images, but no folder train");
  return folder_source{folder, options.decode};
}

/// Does the data set in a folder have a test split?
inline bool has_test_part(const std::filesystem::path& path) {
  if (!detail::has_folder(path)) return false;
  const auto folder = detail::unpacked(path);
  for (const std::string_view name : {"test_batch.bin", "test.bin", "test_X.bin"})
    if (detail::has_file(folder / name)) return true;
  return !detail::find_idx(folder, "idx3", dataset_split::test).empty() ||
         !detail::part_folder(folder, dataset_split::test).empty();
}

}  // namespace pretext::inline v0_1
