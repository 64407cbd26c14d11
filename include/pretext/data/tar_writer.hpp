// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <pretext/core/expects.hpp>
#include <pretext/io/file.hpp>

namespace pretext::inline v0_1 {

/// Writes a tar archive (ustar) whose bytes depend on the names and contents alone: no times, owners or modes
/// of files. It is visible once `commit` was called. Used by one thread at a time.
class tar_writer {
 public:
  /// Throws std::runtime_error if the file cannot be created.
  explicit tar_writer(const std::filesystem::path& path) : file_{path} {}

  /// Bytes written so far.
  std::uint64_t size() const { return size_; }

  /// Appends a file. Throws std::invalid_argument for a name that is empty or has more than 100 bytes, or for
  /// 8 GiB or more, and std::runtime_error if the disk is full.
  void add(std::string_view name, std::span<const std::byte> contents) {
    expects(!name.empty() && name.size() <= 100, "a name in a tar archive has 1 to 100 bytes, and \"", name,
            "\" has ", name.size());
    expects(contents.size() < std::uint64_t{1} << 33, name, ": a file of ", contents.size(),
            " bytes is too large for a tar archive");
    std::array<char, block> header{};
    const auto put = [&](std::size_t field, std::string_view text) {
      std::copy(text.begin(), text.end(), header.begin() + static_cast<std::ptrdiff_t>(field));
    };
    char octal[16];
    put(0, name);
    put(100, "0000444");
    put(108, "0000000");
    put(116, "0000000");
    std::snprintf(octal, sizeof octal, "%011llo", static_cast<unsigned long long>(contents.size()));
    put(124, octal);
    put(136, "00000000000");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar");
    put(263, "00");
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    std::snprintf(octal, sizeof octal, "%06o", sum);
    put(148, {octal, 7});  // six digits, a zero byte and a space
    write(std::as_bytes(std::span{header}));
    write(contents);
    write(std::span{zeros}.first((block - contents.size() % block) % block));
  }

  /// Ends the archive and makes it durable, then visible.
  void commit() {
    write(zeros);
    write(zeros);
    file_.commit();
  }

 private:
  static constexpr std::size_t block = 512;
  static constexpr std::array<std::byte, block> zeros{};

  void write(std::span<const std::byte> bytes) {
    file_.write(bytes);
    size_ += bytes.size();
  }

  output_file file_;
  std::uint64_t size_ = 0;
};

}  // namespace pretext::inline v0_1
