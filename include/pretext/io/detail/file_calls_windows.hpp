// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/io/detail/file_call_results.hpp>
#if defined(_WIN32)
#if !defined(NOMINMAX)
#define NOMINMAX
#endif
#if !defined(WIN32_LEAN_AND_MEAN)
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace pretext::inline v0_1::detail {

/// An owned handle of a file. Move-only.
class file_handle {
 public:
  file_handle() = default;
  explicit file_handle(HANDLE handle) : handle_{handle == INVALID_HANDLE_VALUE ? nullptr : handle} {}
  file_handle(file_handle&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)} {}
  file_handle& operator=(file_handle&& other) noexcept {
    const file_handle old{std::exchange(handle_, std::exchange(other.handle_, nullptr))};
    return *this;
  }
  ~file_handle() {
    if (handle_) ::CloseHandle(handle_);
  }
  HANDLE get() const { return handle_; }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  HANDLE handle_ = nullptr;
};

/// Opens with what POSIX allows: others may read, write, rename and delete the file meanwhile.
inline file_handle open_shared(const std::filesystem::path& path, DWORD access, DWORD creation, DWORD flags) {
  return file_handle{::CreateFileW(path.c_str(), access,
                                   FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, creation,
                                   flags, nullptr)};
}

/// Why the last call on this thread failed.
inline std::string last_file_error() {
  return std::system_category().message(static_cast<int>(::GetLastError()));
}

/// Folders are opened, too (FILE_FLAG_BACKUP_SEMANTICS), so that `examine` can say what they are.
inline file_handle open_to_read(const std::filesystem::path& path) {
  return open_shared(path, GENERIC_READ, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL | FILE_FLAG_BACKUP_SEMANTICS);
}

/// Creates a file that must not exist; sets `taken` if the reason of a failure is that it does.
inline file_handle create_new(const std::filesystem::path& path, bool& taken) {
  file_handle file = open_shared(path, GENERIC_WRITE | DELETE, CREATE_NEW, FILE_ATTRIBUTE_NORMAL);
  taken = !file && ::GetLastError() == ERROR_FILE_EXISTS;
  return file;
}

/// False if the file cannot be examined.
inline bool examine(const file_handle& file, file_facts& facts) {
  BY_HANDLE_FILE_INFORMATION found;
  facts = {};
  if (::GetFileType(file.get()) != FILE_TYPE_DISK) return true;
  if (!::GetFileInformationByHandle(file.get(), &found)) return false;
  facts.regular = (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
  facts.size = std::uint64_t{found.nFileSizeHigh} << 32 | found.nFileSizeLow;
  return true;
}

/// A call transfers at most 1 GiB, because its count has 32 bits.
inline DWORD bytes_of_call(std::size_t bytes) {
  return static_cast<DWORD>(std::min<std::size_t>(bytes, std::size_t{1} << 30));
}

/// The offset at which a call reads, writes or locks.
inline OVERLAPPED position(std::uint64_t offset) {
  OVERLAPPED at{};
  at.Offset = static_cast<DWORD>(offset);
  at.OffsetHigh = static_cast<DWORD>(offset >> 32);
  return at;
}

/// Reads at most `bytes`; returns how many, 0 at the end of the file, -1 for an error.
inline std::ptrdiff_t read_at(const file_handle& file, std::uint64_t offset, std::span<std::byte> bytes) {
  OVERLAPPED at = position(offset);
  DWORD count = 0;
  if (::ReadFile(file.get(), bytes.data(), bytes_of_call(bytes.size()), &count, &at)) return count;
  return ::GetLastError() == ERROR_HANDLE_EOF ? 0 : -1;
}

/// Writes at most `bytes` behind what was written; returns how many, -1 for an error.
inline std::ptrdiff_t append(const file_handle& file, std::span<const std::byte> bytes) {
  DWORD count = 0;
  if (::WriteFile(file.get(), bytes.data(), bytes_of_call(bytes.size()), &count, nullptr)) return count;
  return -1;
}

/// Returns when the disk has the file's bytes; false for an error.
inline bool make_durable(const file_handle& file) { return ::FlushFileBuffers(file.get()) != 0; }

/// Renames a file and replaces the one that has the new name; false for an error. Windows refuses while a
/// program has that one open, so this waits for it to be closed, up to ten seconds.
inline bool replace_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  for (int attempt = 0;; ++attempt) {
    if (::MoveFileExW(from.c_str(), to.c_str(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
      return true;
    const DWORD reason = ::GetLastError();
    if ((reason != ERROR_ACCESS_DENIED && reason != ERROR_SHARING_VIOLATION) || attempt == 1000) return false;
    ::Sleep(10);
  }
}

/// MOVEFILE_WRITE_THROUGH has done it.
inline bool make_names_durable(const std::filesystem::path&) { return true; }

inline void remove_file(const std::filesystem::path& path) { ::DeleteFileW(path.c_str()); }

/// Opens a file to lock it, and creates it if it does not exist.
inline file_handle open_to_lock(const std::filesystem::path& path) {
  return open_shared(path, GENERIC_READ | GENERIC_WRITE, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL);
}

/// Locks an open file without waiting. The lock ends with the handle or with the process, however it ends. It
/// is beyond the last byte of the file, because other processes cannot read locked bytes.
inline lock_outcome try_lock(const file_handle& file) {
  OVERLAPPED at = position(std::uint64_t{1} << 62);
  if (::LockFileEx(file.get(), LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at))
    return lock_outcome::locked;
  const DWORD reason = ::GetLastError();
  return reason == ERROR_LOCK_VIOLATION || reason == ERROR_IO_PENDING ? lock_outcome::taken
                                                                      : lock_outcome::unsupported;
}

/// Is this open file still the one of this name?
inline bool is_named(const file_handle& file, const std::filesystem::path& path) {
  BY_HANDLE_FILE_INFORMATION open, named;
  const file_handle other = open_shared(path, 0, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL);
  return other && ::GetFileInformationByHandle(file.get(), &open) &&
         ::GetFileInformationByHandle(other.get(), &named) &&
         open.dwVolumeSerialNumber == named.dwVolumeSerialNumber &&
         open.nFileIndexHigh == named.nFileIndexHigh && open.nFileIndexLow == named.nFileIndexLow;
}

/// Replaces the contents of a file that was opened to lock it; false for an error.
inline bool overwrite(const file_handle& file, std::string_view text) {
  return ::SetFilePointer(file.get(), 0, nullptr, FILE_BEGIN) != INVALID_SET_FILE_POINTER &&
         ::SetEndOfFile(file.get()) && append(file, std::as_bytes(std::span{text})) >= 0;
}

inline unsigned long process_number() { return ::GetCurrentProcessId(); }

/// Empty if it is unknown.
inline std::string host_name() {
  char name[MAX_COMPUTERNAME_LENGTH + 1] = {};
  DWORD length = sizeof name;
  return ::GetComputerNameA(name, &length) ? name : "";
}

}  // namespace pretext::inline v0_1::detail
#endif
