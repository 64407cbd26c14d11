// SPDX-License-Identifier: MIT
#pragma once
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/data/image_files.hpp>
#include <pretext/data/left_out.hpp>
#include <pretext/data/tar_index.hpp>
#include <pretext/io/decode.hpp>
#include <pretext/io/file.hpp>
#include <pretext/io/utf8.hpp>

namespace pretext::inline v0_1 {

/// Where the samples of tar archives are that WebDataset writes: consecutive files whose names agree up to
/// the first dot of the last component are one sample. `KEY.jpg` or `KEY.png` is its image, `KEY.cls` its
/// class in digits; other files are ignored.
struct shard_index {
  struct sample {
    std::uint64_t offset = 0, size = 0;  ///< of the image in its archive
    std::uint64_t name = 0;              ///< where the image's name begins in `names`
    std::uint32_t archive = 0;
    std::int32_t label = -1;
  };

  /// Images of one archive with at most this many bytes between them are read at once: a further request
  /// takes longer.
  static constexpr std::uint64_t max_gap = 65536;

  std::vector<std::filesystem::path> archives;
  std::vector<sample> samples;
  std::string names;        ///< each ends with a zero byte
  left_out others;          ///< files of samples without an image
  std::uint64_t bytes = 0;  ///< of all images, with what is read between them

  /// One pass over the headers of all archives, in the given order. Throws std::runtime_error with the
  /// archive and the position if one is truncated, damaged or compressed, or if a class is no number below a
  /// million.
  explicit shard_index(std::vector<std::filesystem::path> paths) : archives{std::move(paths)} {
    for (std::uint32_t number = 0; number < archives.size(); ++number) {
      const input_file archive{archives[number]};
      group pending;
      for_each_tar_entry(archive, [&](const tar_entry& entry) { add(archive, number, entry, pending); });
      finish(pending);
    }
  }

 private:
  /// The files of one sample.
  struct group {
    std::string key;
    std::optional<sample> image;
    std::string image_name;
    std::int32_t label = -1;
    std::vector<std::string> others;  // suffixes
  };

  void add(const input_file& archive, std::uint32_t number, const tar_entry& entry, group& pending) {
    const std::string_view name = entry.name;
    const std::size_t base = name.rfind('/') == name.npos ? 0 : name.rfind('/') + 1,
                      dot = name.find('.', base);
    if (dot == name.npos || dot == base) return;  // no suffix, or hidden
    if (name.substr(0, dot) != pending.key) {
      finish(pending);
      pending = {};
      pending.key = name.substr(0, dot);
    }
    const std::string suffix = detail::lower_case(std::string{name.substr(dot)});
    if (suffix == ".cls")
      pending.label = read_label(archive, entry);
    else if (!is_image_suffix(suffix))
      pending.others.push_back(suffix);
    else if (!pending.image)
      pending.image = {entry.offset, entry.size, 0, number, -1}, pending.image_name = name;
  }

  void finish(group& done) {
    if (!done.image) {
      for (const auto& suffix : done.others) ++others.files[suffix];
    } else {
      done.image->name = names.size();
      done.image->label = done.label;
      bytes += done.image->size;
      if (!samples.empty() && samples.back().archive == done.image->archive) {
        const std::uint64_t gap = done.image->offset - samples.back().offset - samples.back().size;
        bytes += gap <= max_gap ? gap : 0;
      }
      samples.push_back(*done.image);
      names += done.image_name.c_str();  // a zero byte would end it, too
      names += '\0';
    }
    done = {};
  }

  static std::int32_t read_label(const input_file& archive, const tar_entry& entry) {
    constexpr std::int32_t classes = 1'000'000;
    std::string text(static_cast<std::size_t>(std::min<std::uint64_t>(entry.size, 32)), '\0');
    archive.read(entry.offset, std::as_writable_bytes(std::span{text}));
    const std::string_view digits = std::string_view{text}.substr(0, text.find_last_not_of(" \r\n\t") + 1);
    std::int32_t label = 0;
    const auto end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, label);
    if (error != std::errc{} || stop != end || label < -1 || label >= classes)
      throw_error<std::runtime_error>(archive.path().string(), ": ", detail::quote(entry.name),
                                      ": the class ", detail::quote(digits), " is no number below ", classes);
    return label;
  }
};

}  // namespace pretext::inline v0_1
