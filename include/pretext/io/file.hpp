// SPDX-License-Identifier: MIT
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/io/detail/file_calls.hpp>

namespace pretext::inline v0_1 {

namespace detail {

[[noreturn]] inline void throw_file_error(const std::filesystem::path& path, std::string_view failure) {
  const std::string reason = last_file_error();
  throw_error<std::runtime_error>(path.string(), ": ", failure, ": ", reason);
}

}  // namespace detail

/// A file opened for reading at any offset. Several threads may read at once.
class input_file {
 public:
  /// Throws std::runtime_error if the file does not exist, cannot be opened, or is no regular file.
  explicit input_file(std::filesystem::path path)
      : path_{std::move(path)}, file_{detail::open_to_read(path_)} {
    if (!file_) detail::throw_file_error(path_, "cannot open the file");
    detail::file_facts facts;
    if (!detail::examine(file_, facts)) detail::throw_file_error(path_, "cannot examine the file");
    if (!facts.regular) throw_error<std::runtime_error>(path_.string(), ": this is not a regular file");
    size_ = facts.size;
  }

  const std::filesystem::path& path() const { return path_; }
  /// Bytes in the file when it was opened.
  std::uint64_t size() const { return size_; }

  /// Fills `bytes` from byte `offset` on; throws std::runtime_error with the offset if the file ends early.
  void read(std::uint64_t offset, std::span<std::byte> bytes) const {
    while (!bytes.empty()) {
      const std::ptrdiff_t count = detail::read_at(file_, offset, bytes);
      if (count < 0) detail::throw_file_error(path_, str_cat("cannot read byte ", offset));
      if (count == 0)
        throw_error<std::runtime_error>(path_.string(), ": the file ends at byte ", offset, ", ",
                                        bytes.size(), " bytes too early");
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      offset += static_cast<std::uint64_t>(count);
    }
  }

 private:
  std::filesystem::path path_;
  detail::file_handle file_;
  std::uint64_t size_ = 0;
};

/// The contents of a file; throws std::runtime_error with its name if it cannot be read.
inline std::vector<std::byte> read_file(const std::filesystem::path& path) {
  const input_file file{path};
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.size()));
  file.read(0, bytes);
  return bytes;
}

/// A file that is visible only when it is complete: it is written under a temporary name in the same folder,
/// and `commit` renames it. Without `commit` it is deleted, and an older file of the name is unchanged. Used
/// by one thread at a time; several threads and processes may write the same path, and the last commit wins.
class output_file {
 public:
  /// Throws std::runtime_error if the folder does not exist or cannot be written.
  explicit output_file(const std::filesystem::path& path) : path_{path} {
    std::error_code ignored;
    if (std::filesystem::is_symlink(path_, ignored)) path_ = std::filesystem::weakly_canonical(path_);
    // Renaming a file to the name of a device would destroy the device.
    if (std::filesystem::exists(path_, ignored) && !std::filesystem::is_regular_file(path_, ignored))
      throw_error<std::runtime_error>(path_.string(),
                                      ": this is not a regular file and will not be replaced");
    static std::atomic<unsigned> counter{0};
    bool taken = false;
    do {
      partial_ = path_;
      partial_ += str_cat(".", detail::process_number(), ".", counter++, ".partial");
      file_ = detail::create_new(partial_, taken);
    } while (taken);
    if (!file_) detail::throw_file_error(path_, "cannot create the file");
  }
  output_file(const output_file&) = delete;
  output_file& operator=(const output_file&) = delete;
  ~output_file() {
    if (!committed_) detail::remove_file(partial_);
  }

  /// Appends; throws std::runtime_error if the disk is full.
  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const std::ptrdiff_t count = detail::append(file_, bytes);
      if (count < 0) detail::throw_file_error(path_, "cannot write the file");
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }

  /// Makes the file durable, then visible; throws std::runtime_error if either fails.
  void commit() {
    if (!detail::make_durable(file_)) detail::throw_file_error(path_, "cannot write the file to the disk");
    if (!detail::replace_file(partial_, path_))
      detail::throw_file_error(path_, "cannot rename the complete file");
    committed_ = true;
    const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path{"."};
    if (!detail::make_names_durable(folder))
      detail::throw_file_error(folder, "cannot write the folder to the disk");
  }

 private:
  std::filesystem::path path_, partial_;
  detail::file_handle file_;
  bool committed_ = false;
};

/// Deletes what killed processes have left of an `output_file` of this path. No process may be writing it.
inline void remove_partial_files(std::filesystem::path path) {
  std::error_code error;
  if (std::filesystem::is_symlink(path, error)) path = std::filesystem::weakly_canonical(path);
  const std::string begin = path.filename().string() + '.', end = ".partial";
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
  std::vector<std::filesystem::path> found;
  for (std::filesystem::directory_iterator entry{folder, error}, none; !error && entry != none;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.size() > begin.size() + end.size() && name.starts_with(begin) && name.ends_with(end) &&
        name.find_first_not_of("0123456789.", begin.size()) == name.size() - end.size() + 1)
      found.push_back(entry->path());
  }
  for (const auto& leftover : found) std::filesystem::remove(leftover, error);
}

/// Replaces a file: a reader sees the old bytes or all of the new ones, even after a crash or on a full disk.
/// Throws std::runtime_error with the file's name if it cannot be written.
inline void write_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  output_file file{path};
  file.write(bytes);
  file.commit();
}

/// Replaces a file with text, likewise.
inline void write_atomically(const std::filesystem::path& path, std::string_view text) {
  write_atomically(path, std::as_bytes(std::span{text}));
}

}  // namespace pretext::inline v0_1
