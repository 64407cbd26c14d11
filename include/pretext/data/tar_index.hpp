// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <pretext/core/expects.hpp>
#include <pretext/io/file.hpp>

// Where the files in a tar archive are: ustar, with the long names and sizes of GNU tar and of pax. Nothing
// is extracted, so that a name is only text: "../x" leads nowhere.
namespace pretext::inline v0_1 {

/// A regular file in a tar archive: its name, and where its bytes are in the archive.
struct tar_entry {
  std::string name;
  std::uint64_t offset = 0, size = 0;
};

namespace detail {

/// Reads the headers of an archive one after the other. Errors are std::runtime_error with the archive and
/// the position of the header.
class tar_reader {
 public:
  explicit tar_reader(const input_file& archive) : archive_{archive} {}

  /// The next regular file; returns false at the end.
  bool next(tar_entry& entry) {
    std::string long_name;
    std::uint64_t long_size = 0;
    bool has_long_size = false;
    while (read_header()) {
      const char type = header_[156];
      const bool describes_next = type == 'L' || type == 'K' || type == 'x';
      const std::uint64_t size = !describes_next && has_long_size ? long_size : file_size();
      const std::uint64_t data = at_ + block, rest = archive_.size() - data;
      if (size > rest || (block - size % block) % block > rest - size)
        reject("the archive ends before the ", size,
               " bytes of this file, or the padding behind them; it is truncated");
      if (type == 'L' || type == 'x') {
        if (size > max_description) reject("the name of a file has ", size, " bytes");
        std::string text(static_cast<std::size_t>(size), '\0');
        archive_.read(data, std::as_writable_bytes(std::span{text}));
        if (type == 'L')
          long_name = text.c_str();
        else
          read_pax(text, long_name, long_size, has_long_size);
      }
      if (type == 'S') reject("a sparse file, which cannot be read; create the archive without --sparse");
      entry = {long_name.empty() ? name() : long_name, data, size};
      at_ = data + (size + block - 1) / block * block;
      if (type == '0' || type == '\0' || type == '7') return true;
      if (describes_next) continue;
      long_name.clear();
      has_long_size = false;
    }
    return false;
  }

 private:
  static constexpr std::uint64_t block = 512, max_description = 1 << 20;

  template <class... Words>
  [[noreturn]] void reject(const Words&... words) const {
    throw_error<std::runtime_error>(archive_.path().string(), ": byte ", at_, ": ", words...);
  }

  /// Returns false at the end: where the file ends, or a header is zero.
  bool read_header() {
    if (at_ >= archive_.size()) return false;
    if (archive_.size() - at_ < block) reject("the archive ends within a header; it is truncated");
    archive_.read(at_, std::as_writable_bytes(std::span{header_}));
    if (std::all_of(header_.begin(), header_.end(), [](char c) { return c == 0; })) return false;
    std::uint64_t sum = 0;
    std::int64_t signed_sum = 0;  // of historical writers
    for (std::size_t i = 0; i < block; ++i) {
      const char c = i >= 148 && i < 156 ? ' ' : header_[i];
      sum += static_cast<unsigned char>(c);
      signed_sum += static_cast<signed char>(c);
    }
    if (at_ == 0 && is_compressed())
      reject("the archive is compressed, so that it cannot be read from any position; decompress it");
    const auto expected = number(148, 8);
    if (!expected || (*expected != sum && static_cast<std::int64_t>(*expected) != signed_sum))
      reject("the checksum of this header is wrong; this is no tar archive, or a damaged one");
    return true;
  }

  bool is_compressed() const {  // by gzip, bzip2, zstd or xz
    const std::string_view start{header_.data(), 6};
    for (const std::string_view magic : {"\x1F\x8B", "BZh", "\x28\xB5\x2F\xFD",
                                         "\xFD"
                                         "7zXZ"})
      if (start.starts_with(magic)) return true;
    return false;
  }

  std::uint64_t file_size() const {
    const auto size = number(124, 12);
    if (!size) reject("the size in this header is no number; the archive is damaged");
    return *size;
  }

  /// A number of a header: octal digits, or big-endian bytes after a first bit of 1 (GNU). Nothing if it is
  /// none, or beyond 63 bits.
  std::optional<std::uint64_t> number(std::size_t field, std::size_t size) const {
    const std::string_view text{header_.data() + field, size};
    std::uint64_t value = 0;
    if (text[0] & '\x80') {
      for (std::size_t i = 0; i < size; ++i) {
        if (value >> 55 != 0) return {};
        value = value << 8 | static_cast<unsigned char>(i == 0 ? text[i] & '\x7F' : text[i]);
      }
      return value;
    }
    const std::size_t first = std::min(text.find_first_not_of(' '), size);
    for (const char c : text.substr(first)) {
      if (c == '\0' || c == ' ') break;
      if (c < '0' || c > '7') return {};
      value = value * 8 + static_cast<std::uint64_t>(c - '0');
    }
    return value;
  }

  std::string name() const {
    const auto text = [&](std::size_t field, std::size_t size) {
      return std::string{header_.data() + field, ::strnlen(header_.data() + field, size)};
    };
    const bool is_ustar = std::memcmp(header_.data() + 257, "ustar\0", 6) == 0;
    const std::string prefix = is_ustar ? text(345, 155) : std::string{};
    return prefix.empty() ? text(0, 100) : prefix + "/" + text(0, 100);
  }

  /// Reads records "LENGTH KEY=VALUE\n", of which only path and size matter here.
  void read_pax(std::string_view text, std::string& path, std::uint64_t& size, bool& has_size) const {
    while (!text.empty() && text[0] != '\0') {
      std::size_t length = 0;
      const auto digits = std::from_chars(text.data(), text.data() + text.size(), length);
      const auto key = static_cast<std::size_t>(digits.ptr - text.data()) + 1;
      if (digits.ec != std::errc{} || length <= key || length > text.size() || text[length - 1] != '\n')
        reject("a pax header that cannot be read; the archive is damaged");
      const std::string_view record = text.substr(key, length - key - 1);
      if (record.starts_with("path=")) path = record.substr(5);
      if (record.starts_with("GNU.sparse"))
        reject("a sparse file, which cannot be read; create the archive without --sparse");
      if (record.starts_with("size=")) {
        const std::string_view value = record.substr(5);
        const auto end = value.data() + value.size();
        if (std::from_chars(value.data(), end, size).ptr != end || value.empty())
          reject("a size in a pax header that is no number; the archive is damaged");
        has_size = true;
      }
      text.remove_prefix(length);
    }
  }

  const input_file& archive_;
  std::uint64_t at_ = 0;
  std::array<char, block> header_{};
};

}  // namespace detail

/// Calls `use(tar_entry)` for each regular file in a tar archive, in its order: one pass over the headers.
/// Throws std::runtime_error with the archive and the position if it is truncated, damaged or compressed.
template <class Use>
void for_each_tar_entry(const input_file& archive, Use&& use) {
  detail::tar_reader reader{archive};
  for (tar_entry entry; reader.next(entry);) use(std::move(entry));
}

}  // namespace pretext::inline v0_1
