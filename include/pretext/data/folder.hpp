#pragma once
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/data/source.hpp>
#include <pretext/io/decode.hpp>
#include <pretext/io/file.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// The image files in a folder and its subfolders, sorted by path. Follows links, skips hidden files.
class image_finder {
 public:
  explicit image_finder(const std::filesystem::path& root) : root_{root} {
    visit(root, "");
    std::sort(found.begin(), found.end());
  }

  std::vector<std::string> found;  ///< relative to the root
  std::size_t others = 0;          ///< number of files with other suffixes
  std::string example;             ///< one of those

  static bool is_image(const std::filesystem::path& path) {
    return is_image_suffix(path.extension().string());
  }

 private:
  void visit(const std::filesystem::path& folder, const std::string& relative) {
    std::error_code error;
    // A link to a parent folder would be an endless loop.
    if (!visited_.insert(std::filesystem::canonical(folder, error).string()).second) return;
    std::filesystem::directory_iterator entries{folder, error};
    if (error)
      throw_error<std::runtime_error>(folder.string(), ": cannot list the folder: ", error.message());
    for (const auto& entry : entries) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with('.') || name == "__MACOSX") continue;
      if (entry.is_directory(error)) {
        visit(entry.path(), relative + name + "/");
      } else if (is_image(entry.path())) {
        found.push_back(relative + name);
      } else if (++others; example.empty()) {
        example = name;
      }
    }
  }

  std::filesystem::path root_;
  std::set<std::string> visited_;
};

}  // namespace detail

/// The JPEG and PNG files in a folder and its subfolders, sorted by path, decoded at each read. The direct
/// subfolders are the classes if there are two or more; without classes, and for files outside of them,
/// labels are -1.
class folder_source {
 public:
  /// Throws std::runtime_error if the folder does not exist, cannot be listed or contains no images.
  explicit folder_source(const std::filesystem::path& folder, decode_options options = {})
      : folder_{folder}, options_{options} {
    detail::image_finder finder{folder};
    if (finder.found.empty())
      throw_error<std::runtime_error>(
          folder.string(), ": no images (.jpg, .jpeg, .png) in this folder or below",
          finder.others == 0 ? "" : "; there are other files, such as ", finder.example);
    files_ = std::make_shared<const std::vector<std::string>>(std::move(finder.found));
    std::set<std::string> classes;
    for (const auto& path : *files_) classes.insert(class_of(path));
    classes.erase("");
    if (classes.size() > 1) set_class_names({classes.begin(), classes.end()});
  }

  /// Uses the class indices of another folder, so that a test set agrees with its training set. Throws
  /// std::runtime_error for a class that is not in `names`.
  void set_class_names(std::vector<std::string> names) {
    std::map<std::string, int> index_of{{"", -1}};
    for (std::size_t i = 0; i < names.size(); ++i) index_of[names[i]] = static_cast<int>(i);
    std::vector<int> labels;
    for (const auto& path : *files_) {
      const auto found = index_of.find(class_of(path));
      if (found == index_of.end())
        throw_error<std::runtime_error>((folder_ / path).string(), ": '", class_of(path), "' is none of the ",
                                        names.size(), " classes to learn from");
      labels.push_back(found->second);
    }
    labels_ = std::move(labels);
    class_names_ = std::move(names);
  }

  std::size_t size() const { return files_->size(); }
  int label(std::size_t index) const { return labels_.empty() ? -1 : labels_.at(index); }
  const std::vector<std::string>& class_names() const { return class_names_; }
  std::string name(std::size_t index) const { return path(index).string(); }
  void read(std::size_t index, image& out) const {
    const auto file = path(index);
    decode_image(bytes_of(file), file.string(), options_, out);
  }

 private:
  /// The direct subfolder of a path, empty for a file in the folder itself.
  static std::string class_of(const std::string& path) {
    const auto slash = path.find('/');
    return slash == std::string::npos ? "" : path.substr(0, slash);
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
  std::vector<int> labels_;
  std::vector<std::string> class_names_;
};

static_assert(Source<folder_source>);

}  // namespace pretext::inline v0_1
