// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/data/cifar.hpp>
#include <pretext/data/class_list.hpp>
#include <pretext/data/folder.hpp>
#include <pretext/data/idx.hpp>
#include <pretext/data/layout.hpp>
#include <pretext/data/left_out.hpp>
#include <pretext/data/shard_source.hpp>
#include <pretext/data/source.hpp>
#include <pretext/data/stl10.hpp>

namespace pretext::inline v0_1 {

/// The split of a data set to open, and how its image files are decoded.
struct open_options {
  dataset_split part = dataset_split::train;
  decode_options decode{};
};

namespace detail {

/// The first IDX file of a split whose name contains `kind` (idx3 for images, idx1 for labels); an empty path
/// if there is none.
inline std::filesystem::path find_idx(const std::filesystem::path& folder, std::string_view kind,
                                      dataset_split part) {
  for (const std::string& name : folder_listing{folder}.files) {
    const auto has = [&](std::string_view word) { return name.find(word) != std::string::npos; };
    if (has(kind) && has("ubyte") && !name.ends_with(".gz") &&
        (has("t10k") || has("test")) == (part == dataset_split::test))
      return folder / name;
  }
  return {};
}

/// The subfolder that the archive of a well-known data set unpacks to, or `folder` itself.
inline std::filesystem::path unpacked(const std::filesystem::path& folder) {
  for (const std::string_view name : {"cifar-10-batches-bin", "cifar-100-binary", "stl10_binary"})
    if (has_folder(folder / name)) return folder / name;
  for (const std::string_view name : {"raw", "MNIST/raw", "FashionMNIST/raw"})  // of torchvision
    for (const dataset_split part : {dataset_split::train, dataset_split::test})
      if (!find_idx(folder / name, "idx3", part).empty()) return folder / name;
  return folder;
}

inline bool is_tar(const std::filesystem::path& path) {
  return lower_case(path.extension().string()) == ".tar";
}

/// Is this the name of a tar archive with test images, such as "imagenet-val-000000.tar"?
inline bool is_test_archive(const std::string& name) {
  const std::string lower = lower_case(name);
  for (const std::string_view word : {"test", "val", "valid", "validation"})
    for (std::size_t at = lower.find(word); at != lower.npos; at = lower.find(word, at + 1)) {
      const auto is_letter = [&](std::size_t i) {
        return i < lower.size() && lower[i] >= 'a' && lower[i] <= 'z';
      };
      if (!(at > 0 && is_letter(at - 1)) && !is_letter(at + word.size())) return true;
    }
  return false;
}

/// The tar archives of one part in a folder that contains nothing else to learn from, in the order of their
/// names.
inline std::vector<std::filesystem::path> archives_in(const std::filesystem::path& folder,
                                                      dataset_split part) {
  const folder_listing listing{folder};
  std::vector<std::filesystem::path> archives;
  if (!listing.folders.empty()) return archives;
  for (const auto& name : listing.files) {
    if (is_image_suffix(std::filesystem::path{name}.extension().string())) return {};
    if (is_tar(name) && (part == dataset_split::test) == is_test_archive(name))
      archives.push_back(folder / name);
  }
  return archives;
}
inline bool has_archives(const std::filesystem::path& folder) {
  return !archives_in(folder, dataset_split::train).empty() ||
         !archives_in(folder, dataset_split::test).empty();
}

/// The archives of a folder, whatever their names say; an empty source if there are none.
inline std::optional<shard_source> open_archives(const std::filesystem::path& folder,
                                                 std::optional<dataset_split> part,
                                                 const open_options& options) {
  std::vector<std::filesystem::path> archives;
  for (const auto each : {dataset_split::train, dataset_split::test})
    if (!part || *part == each) {
      const auto found = archives_in(folder, each);
      archives.insert(archives.end(), found.begin(), found.end());
    }
  if (archives.empty()) return {};
  std::sort(archives.begin(), archives.end());
  return shard_source{
      std::move(archives), read_class_list(folder / class_list_name), {.decode = options.decode}};
}

/// The images of a part that is a folder of its own: archives or files.
inline any_source open_part(const std::filesystem::path& folder, const open_options& options,
                            const left_out& beside = {}) {
  if (auto archives = open_archives(folder, {}, options)) return std::move(*archives);
  return folder_source{folder, options.decode, beside};
}

}  // namespace detail

/// Opens the data set in a folder, recognised by its files: CIFAR-10 or CIFAR-100 (binary versions), STL-10,
/// IDX files (MNIST, Fashion-MNIST), tar archives (`shard_source`, classes named by classes.txt), or JPEG and
/// PNG files, with sub-folders for training and testing (`image_layout`) or without. A path may also be one
/// archive. The test images have the class indices of the training images. Throws std::runtime_error with the
/// folder and what is missing.
inline any_source open_source(const std::filesystem::path& path, open_options options = {}) {
  const auto reject = [&](std::string_view fault) {
    throw_error<std::runtime_error>(path.string(), ": ", fault);
  };
  std::error_code error;
  if (!std::filesystem::exists(path, error)) reject(error ? error.message() : "there is no such folder");
  if (!detail::has_folder(path)) {
    if (!detail::is_tar(path))
      reject("this is neither a folder nor a tar archive; unpack other archives and pass their folder");
    if (options.part != dataset_split::train) reject("one archive has no other part");
    return shard_source{
        {path}, read_class_list(path.parent_path() / class_list_name), {.decode = options.decode}};
  }
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
  if (detail::has_archives(folder)) {
    auto archives = detail::open_archives(folder, options.part, options);
    if (!archives) reject("this folder of archives lacks the requested part");
    return std::move(*archives);
  }
  const image_layout layout = find_layout(folder);
  if (options.part == dataset_split::train) {
    if (layout.train.empty() && !layout.test.empty())
      reject("there is a folder with test images, but no folder train");
    if (layout.train.empty()) return folder_source{folder, options.decode};
    return detail::open_part(layout.train, options, layout.others);
  }
  if (options.part == dataset_split::unlabeled) {
    if (layout.unlabeled.empty()) reject("there is no folder unlabeled here");
    return detail::open_part(layout.unlabeled, options);
  }
  if (layout.test.empty()) reject("there is no folder test, val, valid or validation here");
  if (detail::has_archives(layout.test)) {
    if (read_class_list(layout.test / class_list_name) != read_class_list(layout.train / class_list_name))
      reject("classes.txt differs between the training and the test archives");
    return detail::open_part(layout.test, options);
  }
  folder_source images{layout.test, options.decode};
  if (!layout.train.empty())
    if (auto classes = class_folders_of(layout.train); !classes.empty())
      images.set_class_names(std::move(classes));
  return images;
}

/// Does the data set in a folder have a test split?
inline bool has_test_part(const std::filesystem::path& path) {
  if (!detail::has_folder(path)) return false;
  const auto folder = detail::unpacked(path);
  for (const std::string_view name : {"test_batch.bin", "test.bin", "test_X.bin"})
    if (detail::has_file(folder / name)) return true;
  return !detail::find_idx(folder, "idx3", dataset_split::test).empty() ||
         !detail::archives_in(folder, dataset_split::test).empty() || !find_layout(folder).test.empty();
}

}  // namespace pretext::inline v0_1
