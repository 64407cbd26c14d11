// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/data/image_files.hpp>
#include <pretext/data/left_out.hpp>
#include <pretext/data/records.hpp>
#include <pretext/data/source.hpp>
#include <pretext/io/decode.hpp>
#include <pretext/io/file.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// The class of each image of Tiny ImageNet's validation set: lines of "val_0.JPEG<tab>n03444034<tab>…".
/// Empty if there is no such file.
inline std::map<std::string, std::string> read_annotations(const std::filesystem::path& file) {
  std::map<std::string, std::string> class_of;
  for (const std::string& line : lines_of(file)) {
    const auto tab = line.find('\t');
    if (tab != std::string::npos)
      class_of[line.substr(0, tab)] = line.substr(tab + 1, line.find('\t', tab + 1) - tab - 1);
  }
  return class_of;
}

}  // namespace detail

/// The JPEG and PNG files in a folder and its sub-folders, sorted by path, decoded at each read. The classes
/// are the direct sub-folders with images, if there are two or more, in the order of their names; or, if the
/// folder has a file val_annotations.txt (Tiny ImageNet), what that says of each image. Without classes, and
/// for images outside of them, labels are -1.
class folder_source {
 public:
  /// Throws std::runtime_error if the folder does not exist, cannot be listed or contains no images. A
  /// sub-folder that cannot be listed is left out.
  /// `beside`: what was left out beside the folder already.
  explicit folder_source(const std::filesystem::path& folder, decode_options options = {},
                         const pretext::left_out& beside = {})
      : folder_{folder}, options_{options} {
    image_files found = find_image_files(folder);
    if (found.paths.empty())
      throw_error<std::runtime_error>(
          folder.string(), ": no images (.jpg, .jpeg, .png) in this folder or below",
          found.example.empty() ? "" : "; there are other files, such as ", found.example,
          missing_reader(std::filesystem::path{found.example}.extension().string()));
    left_out_ = std::move(found.others);
    left_out_.add(beside);
    classes_ = classes_of(found.paths);
    files_ = std::make_shared<const std::vector<std::string>>(std::move(found.paths));
    std::set<std::string> names{classes_.begin(), classes_.end()};
    names.erase("");
    if (names.size() > 1) set_class_names({names.begin(), names.end()});
  }

  /// Uses the class indices of another folder, so that a test set agrees with its training set. Images of
  /// other classes get the label -1 and are counted in `left_out().unknown_classes`.
  void set_class_names(std::vector<std::string> names) {
    std::map<std::string, int> index_of{{"", -1}};
    for (std::size_t i = 0; i < names.size(); ++i) index_of[names[i]] = static_cast<int>(i);
    labels_.assign(files_->size(), -1);
    left_out_.unknown_classes.clear();
    for (std::size_t i = 0; i < labels_.size(); ++i)
      if (const auto found = index_of.find(classes_[i]); found != index_of.end())
        labels_[i] = found->second;
      else
        ++left_out_.unknown_classes[classes_[i]];
    class_names_ = std::move(names);
  }

  /// The files and sub-folders that are no images of this source, and why.
  const pretext::left_out& left_out() const { return left_out_; }

  std::size_t size() const { return files_->size(); }
  int label(std::size_t index) const { return labels_.empty() ? -1 : labels_.at(index); }
  const std::vector<std::string>& class_names() const { return class_names_; }
  std::string name(std::size_t index) const { return path(index).string(); }
  void read(std::size_t index, image& out) const {
    const auto file = path(index);
    decode_image(bytes_of(file), file.string(), options_, out);
  }

 private:
  /// The class of each path, or "".
  std::vector<std::string> classes_of(const std::vector<std::string>& paths) {
    const auto annotated = detail::read_annotations(folder_ / "val_annotations.txt");
    std::vector<std::string> classes;
    for (const auto& path : paths)
      if (annotated.empty()) {
        const auto slash = path.find('/');
        classes.push_back(slash == std::string::npos ? "" : path.substr(0, slash));
      } else {
        const auto found = annotated.find(path.substr(path.rfind('/') + 1));
        classes.push_back(found == annotated.end() ? "" : found->second);
      }
    return classes;
  }
  std::filesystem::path path(std::size_t index) const { return folder_ / files_->at(index); }

  std::vector<std::byte> bytes_of(const std::filesystem::path& path) const {
    try {
      const input_file file{path};
      // No picture within the limit has more bytes; a video with a wrong suffix may.
      if (file.size() > 8 * options_.max_pixels + 1'000'000)
        throw_error<bad_image>(path.string(), ": ", file.size(), " bytes are too many for ",
                               options_.max_pixels, " pixels");
      std::vector<std::byte> bytes(static_cast<std::size_t>(file.size()));
      file.read(0, bytes);
      return bytes;
    } catch (const bad_image&) { throw; } catch (const std::runtime_error& error) {
      throw bad_image{error.what()};
    }
  }

  std::filesystem::path folder_;
  decode_options options_;
  std::shared_ptr<const std::vector<std::string>> files_;
  std::vector<std::string> classes_;  // of each file
  std::vector<int> labels_;
  std::vector<std::string> class_names_;
  pretext::left_out left_out_;
};

static_assert(Source<folder_source>);

}  // namespace pretext::inline v0_1
