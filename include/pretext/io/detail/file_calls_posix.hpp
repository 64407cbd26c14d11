// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/io/detail/file_call_results.hpp>
#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace pretext::inline v0_1::detail {

/// An owned file descriptor. Move-only.
class file_handle {
 public:
  file_handle() = default;
  explicit file_handle(int number) : number_{number} {}
  file_handle(file_handle&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
  file_handle& operator=(file_handle&& other) noexcept {
    const file_handle old{std::exchange(number_, std::exchange(other.number_, -1))};
    return *this;
  }
  ~file_handle() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

/// Why the last call on this thread failed.
inline std::string last_file_error() { return std::generic_category().message(errno); }

/// Without O_NONBLOCK, opening a named pipe would wait for its writer.
inline file_handle open_to_read(const std::filesystem::path& path) {
  return file_handle{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
}

/// Creates a file that must not exist; sets `taken` if the reason of a failure is that it does.
inline file_handle create_new(const std::filesystem::path& path, bool& taken) {
  file_handle file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)};
  taken = !file && errno == EEXIST;
  return file;
}

/// False if the file cannot be examined.
inline bool examine(const file_handle& file, file_facts& facts) {
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) return false;
  facts = {S_ISREG(status.st_mode), static_cast<std::uint64_t>(status.st_size)};
  return true;
}

/// Reads at most `bytes`; returns how many, 0 at the end of the file, -1 for an error.
inline std::ptrdiff_t read_at(const file_handle& file, std::uint64_t offset, std::span<std::byte> bytes) {
  for (;;) {
    const auto count = ::pread(file.number(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count >= 0 || errno != EINTR) return count;
  }
}

/// Writes at most `bytes` behind what was written; returns how many, -1 for an error.
inline std::ptrdiff_t append(const file_handle& file, std::span<const std::byte> bytes) {
  for (;;) {
    const auto count = ::write(file.number(), bytes.data(), bytes.size());
    if (count >= 0 || errno != EINTR) return count;
  }
}

/// Returns when the disk has the file's bytes; false for an error.
inline bool make_durable(const file_handle& file) { return ::fsync(file.number()) == 0; }

/// Gives a file another one's name, which is replaced; false for an error.
inline bool replace_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  return ::rename(from.c_str(), to.c_str()) == 0;
}

/// Returns when the disk has the folder's names; false for an error. File systems that cannot sync a folder
/// return EINVAL.
inline bool make_names_durable(const std::filesystem::path& folder) {
  const file_handle entry{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return !entry || ::fsync(entry.number()) == 0 || errno == EINVAL;
}

inline void remove_file(const std::filesystem::path& path) { ::unlink(path.c_str()); }

/// Opens a file to lock it, and creates it if it does not exist.
inline file_handle open_to_lock(const std::filesystem::path& path) {
  return file_handle{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)};
}

/// Locks an open file without waiting. The lock ends with the handle or with the process, however it ends.
inline lock_outcome try_lock(const file_handle& file) {
  while (::flock(file.number(), LOCK_EX | LOCK_NB) != 0)
    if (errno != EINTR) return errno == EWOULDBLOCK ? lock_outcome::taken : lock_outcome::unsupported;
  return lock_outcome::locked;
}

/// Is this open file still the one of this name?
inline bool is_named(const file_handle& file, const std::filesystem::path& path) {
  struct stat open {
  }, named{};
  return ::fstat(file.number(), &open) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

/// Replaces the contents of a file that was opened to lock it; false for an error.
inline bool overwrite(const file_handle& file, std::string_view text) {
  return ::ftruncate(file.number(), 0) == 0 && ::pwrite(file.number(), text.data(), text.size(), 0) >= 0;
}

inline unsigned long process_number() { return static_cast<unsigned long>(::getpid()); }

/// Empty if it is unknown.
inline std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

}  // namespace pretext::inline v0_1::detail
#endif
