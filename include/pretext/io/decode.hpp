#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>

#include <pretext/io/jpeg.hpp>
#include <pretext/io/png.hpp>

namespace pretext::inline v0_1 {

/// Decodes a JPEG or PNG file, recognised by its first bytes, to 8-bit RGB. Throws `bad_image`, whose message
/// begins with `name`. May be called from several threads.
inline void decode_image(std::span<const std::byte> file, const std::string& name,
                         const decode_options& options, image& out) {
  constexpr std::array<std::byte, 2> jpeg{std::byte{0xFF}, std::byte{0xD8}};
  constexpr std::array<std::byte, 4> png{std::byte{0x89}, std::byte{'P'}, std::byte{'N'}, std::byte{'G'}};
  const auto begins_with = [&](const auto& magic) {
    return file.size() >= magic.size() && std::equal(magic.begin(), magic.end(), file.begin());
  };
  out.type = sample_type::uint8;
  out.range = {};
  if (file.empty()) throw_error<bad_image>(name, ": the file is empty");
  if (begins_with(jpeg)) return decode_jpeg(file, name, options, out);
  if (begins_with(png)) return decode_png(file, name, options, out);
  throw_error<bad_image>(name, ": the file is neither JPEG nor PNG");
}

}  // namespace pretext::inline v0_1
