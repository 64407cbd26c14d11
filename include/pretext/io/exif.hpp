// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include <pretext/core/image.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// Reads integers of one byte order at any offset; 0 behind the end.
struct exif_bytes {
  std::span<const std::byte> bytes;
  bool big_endian = true;

  std::uint32_t integer(std::size_t offset, std::size_t size) const {
    if (offset > bytes.size() || bytes.size() - offset < size) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
      value = value << 8 | std::to_integer<std::uint32_t>(bytes[offset + (big_endian ? i : size - 1 - i)]);
    return value;
  }
  bool has(std::size_t offset, std::string_view text) const {
    return offset <= bytes.size() && bytes.size() - offset >= text.size() &&
           std::memcmp(bytes.data() + offset, text.data(), text.size()) == 0;
  }
};

/// The orientation in a block of EXIF data (a TIFF header and its first directory), 1 if there is none.
inline int orientation_of_exif(std::span<const std::byte> exif) {
  constexpr std::string_view prefix{"Exif\0\0", 6};
  if (exif_bytes{exif}.has(0, prefix)) exif = exif.subspan(prefix.size());
  exif_bytes tiff{exif};
  if (tiff.has(0, "II"))
    tiff.big_endian = false;
  else if (!tiff.has(0, "MM"))
    return 1;
  const std::size_t directory = tiff.integer(4, 4), entries = tiff.integer(directory, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (tiff.integer(entry, 2) != 0x0112) continue;
    const std::uint32_t value = tiff.integer(entry + 8, tiff.integer(entry + 2, 2) == 4 ? 4 : 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

/// The block of EXIF data in a JPEG file: its first APP1 segment that begins with "Exif". Empty if none is in
/// front of the pixels.
inline std::span<const std::byte> exif_of_jpeg(std::span<const std::byte> file) {
  const exif_bytes at{file};
  for (std::size_t offset = 2; offset + 4 <= file.size();) {
    const std::uint32_t marker = at.integer(offset, 2);
    if (marker < 0xFF01 || marker == 0xFFFF) {  // stray bytes or fill bytes
      ++offset;
      continue;
    }
    if (marker == 0xFFDA || marker == 0xFFD9) break;  // the first scan, or the end
    const bool has_length = marker != 0xFF01 && (marker < 0xFFD0 || marker > 0xFFD8);
    const std::size_t length = has_length ? std::max<std::size_t>(2, at.integer(offset + 2, 2)) : 0;
    if (marker == 0xFFE1 && at.has(offset + 4, {"Exif\0\0", 6}))
      return file.subspan(offset + 4, std::min(length - 2, file.size() - offset - 4));
    offset += 2 + length;
  }
  return {};
}

/// The contents of the eXIf chunk of a PNG file, wherever it is; empty if there is none.
inline std::span<const std::byte> exif_of_png(std::span<const std::byte> file) {
  const exif_bytes at{file};
  for (std::size_t offset = 8; offset + 12 <= file.size();) {
    const std::size_t length = at.integer(offset, 4);
    if (length > file.size() - offset - 12) break;
    if (at.has(offset + 4, "eXIf")) return file.subspan(offset + 8, length);
    offset += 12 + length;
  }
  return {};
}

/// The contents of the EXIF chunk of a WebP file, which usually follows the pixels; empty if there is none.
inline std::span<const std::byte> exif_of_webp(std::span<const std::byte> file) {
  const exif_bytes at{file, false};
  for (std::size_t offset = 12; offset + 8 <= file.size();) {
    const std::size_t length = at.integer(offset + 4, 4);
    if (length > file.size() - offset - 8) break;
    if (at.has(offset, "EXIF")) return file.subspan(offset + 8, length);
    offset += 8 + length + length % 2;
  }
  return {};
}

}  // namespace detail

/// The EXIF orientation in a JPEG, PNG or WebP file: 1 (upright, or not recorded) to 8. Reads the file's
/// headers only.
inline int read_exif_orientation(std::span<const std::byte> file) {
  const detail::exif_bytes at{file};
  if (at.has(0, "\xFF\xD8")) return detail::orientation_of_exif(detail::exif_of_jpeg(file));
  if (at.has(0, "\x89PNG")) return detail::orientation_of_exif(detail::exif_of_png(file));
  if (at.has(8, "WEBP")) return detail::orientation_of_exif(detail::exif_of_webp(file));
  return 1;
}

/// Turns and mirrors stored pixels of an EXIF orientation, 1 to 8, so that the image is upright: of 6, an
/// image (H, W, C) becomes (W, H, C), turned clockwise by 90 degrees. 1 and other numbers change nothing.
inline void turn_upright(image& picture, int orientation) {
  if (orientation < 2 || orientation > 8) return;
  const bool transposes = orientation >= 5;
  const bool flips_rows = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool flips_columns = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const std::size_t rows = picture.height, columns = picture.width;
  const auto stored = std::exchange(picture.pixels, {});
  const std::size_t pixel = stored.size() / std::max<std::size_t>(1, rows * columns);  // bytes
  if (transposes) std::swap(picture.height, picture.width);
  picture.pixels.resize(stored.size());
  auto* to = picture.pixels.data();
  for (std::size_t y = 0; y < picture.height; ++y)
    for (std::size_t x = 0; x < picture.width; ++x) {
      std::size_t row = transposes ? x : y, column = transposes ? y : x;
      if (flips_rows) row = rows - 1 - row;
      if (flips_columns) column = columns - 1 - column;
      to = std::copy_n(stored.data() + (row * columns + column) * pixel, pixel, to);
    }
}

}  // namespace pretext::inline v0_1
