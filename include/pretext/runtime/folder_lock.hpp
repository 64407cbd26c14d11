// SPDX-License-Identifier: MIT
#pragma once
// Locks by POSIX calls (Linux, macOS; not Windows): the kernel releases them however the process ends.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include <pretext/core/expects.hpp>
#include <pretext/io/file.hpp>

namespace pretext::inline v0_1 {

/// Makes this process the only one that runs a training in a folder, by a lock on the file run.lock in it.
/// The lock ends with the object or with the process, also if that is killed. The file names the process and
/// its host for the message that others get.
class folder_lock {
 public:
  /// Throws std::runtime_error that names the folder and the process if the folder is locked, also by another
  /// object of this process, or if run.lock cannot be created.
  explicit folder_lock(const std::filesystem::path& folder) : path_{folder / "run.lock"} {
    do {
      file_ = detail::descriptor{::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)};
      if (!file_) detail::throw_file_error(path_, "cannot create the file");
      if (!lock(folder)) return;
    } while (!is_named());
    write_owner();
  }
  folder_lock(const folder_lock&) = delete;
  folder_lock& operator=(const folder_lock&) = delete;
  /// Deletes run.lock.
  ~folder_lock() { ::unlink(path_.c_str()); }

  /// False where the file system has no locks, as some network file systems: others are not kept away.
  bool is_exclusive() const { return exclusive_; }

 private:
  /// Returns false where the file system has no locks.
  bool lock(const std::filesystem::path& folder) {
    while (::flock(file_.number(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) return exclusive_ = false;
      std::string owner;
      std::getline(std::ifstream{path_}, owner);
      throw_error<std::runtime_error>(folder.string(), ": a run is under way in this folder (process ",
                                      owner.empty() ? "unknown" : owner,
                                      "); wait until it has ended, stop it, or choose another folder");
    }
    return true;
  }
  /// Is the locked file still the one of this name? An owner that ends deletes it.
  bool is_named() const {
    struct stat locked {
    }, named{};
    return ::fstat(file_.number(), &locked) == 0 && ::stat(path_.c_str(), &named) == 0 &&
           locked.st_ino == named.st_ino && locked.st_dev == named.st_dev;
  }
  /// For messages only, so that a full disk does not matter.
  void write_owner() const {
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
    const std::string owner = str_cat(::getpid(), " on ", host.data(), "\n");
    if (::ftruncate(file_.number(), 0) != 0 || ::pwrite(file_.number(), owner.data(), owner.size(), 0) < 0)
      return;
  }

  std::filesystem::path path_;
  detail::descriptor file_;
  bool exclusive_ = true;
};

}  // namespace pretext::inline v0_1
