// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/data/source.hpp>
#include <pretext/io/file.hpp>

namespace pretext::inline v0_1 {

/// The layout of a binary file of images: `header` bytes, then records of equal size, each with
/// `before_pixels` other bytes and one plane of 8-bit pixels per channel.
struct record_layout {
  std::size_t height = 0, width = 0, channels = 3;
  std::size_t header = 0, before_pixels = 0;
  bool column_major = false;  ///< planes are stored column by column (STL-10)

  std::size_t size() const { return before_pixels + height * width * channels; }
};

/// Images in files of equal records. Each read goes to the disk, so that a large set needs no memory.
class record_source {
 public:
  /// Throws std::runtime_error with the file if it is missing or its size is not a whole number of records.
  /// Gray records are read as RGB unless `as_rgb` is false.
  record_source(record_layout layout, const std::vector<std::filesystem::path>& paths, bool as_rgb = true)
      : layout_{layout}, rgb_{as_rgb} {
    for (const auto& path : paths) {
      auto file = std::make_shared<const input_file>(path);
      const std::uint64_t bytes = file->size();
      if (bytes < layout_.header || (bytes - layout_.header) % layout_.size() != 0 || bytes == layout_.header)
        throw_error<std::runtime_error>(path.string(), ": ", bytes, " bytes are not ", layout_.header,
                                        " and a whole number of records of ", layout_.size(),
                                        "; the file is truncated or of another format");
      count_ += static_cast<std::size_t>((bytes - layout_.header) / layout_.size());
      files_.push_back({std::move(file), count_});
    }
  }

  std::size_t size() const { return count_; }
  int label(std::size_t index) const { return labels_.empty() ? -1 : labels_.at(index); }
  const std::vector<std::string>& class_names() const { return class_names_; }
  std::string name(std::size_t index) const {
    const auto [file, number] = locate(index);
    return str_cat("index ", number, " of ", file->path().string());
  }
  /// Of the file with its record.
  std::uint64_t stored_bytes(std::size_t index) const { return locate(index).first->size(); }
  void read(std::size_t index, image& out) const {
    const auto [file, number] = locate(index);
    std::vector<std::uint8_t> planes(layout_.size() - layout_.before_pixels);
    file->read(offset(number) + layout_.before_pixels, std::as_writable_bytes(std::span{planes}));
    interleave(planes, out);
  }

  /// Byte `at` of every record; CIFAR stores labels there.
  std::vector<int> bytes_of_records(std::size_t at) const {
    std::vector<int> bytes(count_);
    for (std::size_t index = 0; index < count_; ++index) {
      const auto [file, number] = locate(index);
      std::byte value{};
      file->read(offset(number) + at, {&value, 1});
      bytes[index] = static_cast<int>(value);
    }
    return bytes;
  }

  /// Sets the labels, one class index per image; throws std::runtime_error with the image if one is invalid.
  /// Without names, classes are named by their indices.
  void set_labels(std::vector<int> labels, std::vector<std::string> class_names) {
    if (labels.size() != count_)
      throw_error<std::runtime_error>(labels.size(), " labels do not fit ", count_, " images of ",
                                      files_.front().file->path().string());
    if (class_names.empty() && !labels.empty())
      for (int i = 0; i <= *std::max_element(labels.begin(), labels.end()); ++i)
        class_names.push_back(std::to_string(i));
    for (std::size_t i = 0; i < count_; ++i)
      if (labels[i] < 0 || static_cast<std::size_t>(labels[i]) >= class_names.size())
        throw_error<std::runtime_error>(name(i), ": label ", labels[i], " is none of the ",
                                        class_names.size(),
                                        " classes; the file is damaged or of another format");
    labels_ = std::move(labels);
    class_names_ = std::move(class_names);
  }

 private:
  struct part {
    std::shared_ptr<const input_file> file;
    std::size_t end = 0;  ///< images in this file and all before it
  };

  std::pair<const input_file*, std::size_t> locate(std::size_t index) const {
    if (index >= count_) throw_error<std::out_of_range>("there is no image ", index, " among ", count_);
    std::size_t first = 0, at = 0;
    while (index >= files_[at].end) first = files_[at++].end;
    return {files_[at].file.get(), index - first};
  }
  std::uint64_t offset(std::size_t number) const {
    return layout_.header + std::uint64_t{number} * layout_.size();
  }

  void interleave(const std::vector<std::uint8_t>& planes, image& out) const {
    const std::size_t height = layout_.height, width = layout_.width, plane = height * width;
    out.resize<std::uint8_t>(height, width, rgb_ ? 3 : layout_.channels);
    for (std::size_t c = 0; c < out.channels; ++c) {
      const std::uint8_t* from = planes.data() + (layout_.channels == 1 ? 0 : c * plane);
      for (std::size_t y = 0; y < height; ++y)
        for (std::size_t x = 0; x < width; ++x)
          out.pixels[(y * width + x) * out.channels + c] =
              from[layout_.column_major ? x * height + y : y * width + x];
    }
  }

  record_layout layout_;
  bool rgb_;
  std::vector<part> files_;
  std::size_t count_ = 0;
  std::vector<int> labels_;
  std::vector<std::string> class_names_;
};

static_assert(Source<record_source>);

namespace detail {

/// The non-empty lines of a text file; none if the file does not exist.
inline std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::ifstream file{path};
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

}  // namespace detail

}  // namespace pretext::inline v0_1
