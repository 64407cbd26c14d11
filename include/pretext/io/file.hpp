#pragma once
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <ios>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>

namespace pretext {

namespace detail {

[[noreturn]] inline void fail_on_file(const std::filesystem::path& path, std::string_view what) {
  const int code = errno;
  throw_error<std::runtime_error>(path.string(), ": ", what, ": ", std::generic_category().message(code));
}

/// A file descriptor with an owner.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int number) : number_{number} {}
  descriptor(descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

}  // namespace detail

/// A file opened for reading at any place, by any number of threads at once.
class input_file {
 public:
  /// Throws std::runtime_error where there is no such file or it may not be read.
  explicit input_file(std::filesystem::path path)
      : path_{std::move(path)}, file_{::open(path_.c_str(), O_RDONLY | O_CLOEXEC)} {
    if (!file_) detail::fail_on_file(path_, "cannot open the file");
    struct stat facts {};
    if (::fstat(file_.number(), &facts) != 0) detail::fail_on_file(path_, "cannot examine the file");
    if (!S_ISREG(facts.st_mode))
      throw_error<std::runtime_error>(path_.string(), ": this is not a regular file");
    size_ = static_cast<std::uint64_t>(facts.st_size);
  }

  const std::filesystem::path& path() const { return path_; }
  /// Bytes in the file when it was opened.
  std::uint64_t size() const { return size_; }

  /// Fills `bytes` from byte `offset` on; throws std::runtime_error with the offset where the file ends
  /// early.
  void read(std::uint64_t offset, std::span<std::byte> bytes) const {
    while (!bytes.empty()) {
      const auto got = ::pread(file_.number(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) detail::fail_on_file(path_, str_cat("cannot read byte ", offset));
      if (got == 0)
        throw_error<std::runtime_error>(path_.string(), ": the file ends at byte ", offset, ", ",
                                        bytes.size(), " bytes too early");
      bytes = bytes.subspan(static_cast<std::size_t>(got));
      offset += static_cast<std::uint64_t>(got);
    }
  }

 private:
  std::filesystem::path path_;
  detail::descriptor file_;
  std::uint64_t size_ = 0;
};

/// The whole file; throws std::runtime_error with its name where it cannot be read.
inline std::vector<std::byte> read_file(const std::filesystem::path& path) {
  const input_file file{path};
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.size()));
  file.read(0, bytes);
  return bytes;
}

/// A file that appears under its name whole, or not at all: it is written beside its place and moved there by
/// `commit`. Without `commit` nothing remains of it and an older file stays as it was.
class output_file {
 public:
  /// Throws std::runtime_error where the folder is missing or may not be written.
  explicit output_file(const std::filesystem::path& path) : path_{path} {
    std::error_code ignored;
    if (std::filesystem::is_symlink(path_, ignored)) path_ = std::filesystem::weakly_canonical(path_);
    // Moving a file over a device or a folder would destroy it.
    if (std::filesystem::exists(path_, ignored) && !std::filesystem::is_regular_file(path_, ignored))
      throw_error<std::runtime_error>(path_.string(),
                                      ": this is not a regular file and will not be replaced");
    static std::atomic<unsigned> counter{0};
    do {
      partial_ = path_;
      partial_ += str_cat(".", ::getpid(), ".", counter++, ".partial");
      file_ = detail::descriptor{::open(partial_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)};
    } while (!file_ && errno == EEXIST);
    if (!file_) detail::fail_on_file(path_, "cannot create the file");
  }
  output_file(const output_file&) = delete;
  output_file& operator=(const output_file&) = delete;
  ~output_file() {
    if (!committed_) ::unlink(partial_.c_str());
  }

  /// Appends; throws std::runtime_error where the disk is full.
  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const auto put = ::write(file_.number(), bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) detail::fail_on_file(path_, "cannot write the file");
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
  }

  /// Makes the file durable, then visible; throws std::runtime_error where either fails.
  void commit() {
    if (::fsync(file_.number()) != 0) detail::fail_on_file(path_, "cannot write the file to the disk");
    if (::rename(partial_.c_str(), path_.c_str()) != 0)
      detail::fail_on_file(path_, "cannot put the file in its place");
    committed_ = true;
    // The new name is durable once the folder is; file systems that cannot sync a folder say EINVAL.
    const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path{"."};
    const detail::descriptor entry{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (entry && ::fsync(entry.number()) != 0 && errno != EINVAL)
      detail::fail_on_file(folder, "cannot write the folder to the disk");
  }

 private:
  std::filesystem::path path_, partial_;
  detail::descriptor file_;
  bool committed_ = false;
};

/// Replaces the file: whoever opens the path meets the old bytes or all of the new ones, also after a crash
/// or on a full disk. Throws std::runtime_error with the file's name where it cannot be written.
inline void write_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  output_file file{path};
  file.write(bytes);
  file.commit();
}

/// The same for text.
inline void write_atomically(const std::filesystem::path& path, std::string_view text) {
  write_atomically(path, std::as_bytes(std::span{text}));
}

}  // namespace pretext
