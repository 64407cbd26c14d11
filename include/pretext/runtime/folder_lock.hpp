// SPDX-License-Identifier: MIT
#pragma once
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
      file_ = detail::open_to_lock(path_);
      if (!file_) detail::throw_file_error(path_, "cannot create the file");
      if (!lock(folder)) return;
    } while (!detail::is_named(file_, path_));  // an owner that ends deletes the file
    // For messages only, so that a full disk does not matter.
    detail::overwrite(file_, str_cat(detail::process_number(), " on ", detail::host_name(), "\n"));
  }
  folder_lock(const folder_lock&) = delete;
  folder_lock& operator=(const folder_lock&) = delete;
  /// Deletes run.lock.
  ~folder_lock() { detail::remove_file(path_); }

  /// False where the file system has no locks, as some network file systems: others are not kept away.
  bool is_exclusive() const { return exclusive_; }

 private:
  /// Returns false where the file system has no locks.
  bool lock(const std::filesystem::path& folder) {
    const detail::lock_outcome outcome = detail::try_lock(file_);
    if (outcome == detail::lock_outcome::unsupported) return exclusive_ = false;
    if (outcome == detail::lock_outcome::locked) return true;
    std::string owner;
    std::getline(std::ifstream{path_}, owner);
    throw_error<std::runtime_error>(folder.string(), ": a run is under way in this folder (process ",
                                    owner.empty() ? "unknown" : owner,
                                    "); wait until it has ended, stop it, or choose another folder");
  }

  std::filesystem::path path_;
  detail::file_handle file_;
  bool exclusive_ = true;
};

}  // namespace pretext::inline v0_1
