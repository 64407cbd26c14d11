// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <pretext/io/convert_channels.hpp>
#include <pretext/io/decode_options.hpp>
#include <pretext/io/jpeg.hpp>
#include <pretext/io/png.hpp>

namespace pretext::inline v0_1 {

/// A format of image files. `decode(file, name, options, out)` keeps the samples as the file has them, fails
/// with a `bad_image` whose message begins with `name`, and may be called from several threads.
struct image_format {
  std::string_view name;                     ///< "TIFF"
  std::vector<std::string_view> signatures;  ///< bytes of every file of this format, one of them
  std::vector<std::string_view> suffixes;    ///< of its files, in lower case: ".tif"
  void (*decode)(std::span<const std::byte>, const std::string&, const decode_options&, image&) = nullptr;
  std::string_view component{};  ///< what a program must link and include if there is no `decode`
  std::size_t signature_at = 0;  ///< where in the file the signature is
};

/// The formats that `decode_image` knows. A reader adds itself while the program starts (io/tiff.hpp does);
/// they must not change once threads decode.
inline std::vector<image_format>& image_formats() {
  using namespace std::string_view_literals;
  static std::vector<image_format> formats{
      {"JPEG", {"\xFF\xD8"sv}, {".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".pjpeg", ".pjp"}, decode_jpeg},
      {"PNG", {"\x89PNG"sv}, {".png", ".apng"}, decode_png},
      {"TIFF",
       {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv},
       {".tif", ".tiff"},
       nullptr,
       "link pretext::tiff, which needs libtiff 4.5 or newer, and include pretext/io/tiff.hpp"},
      {"WebP",
       {"WEBP"sv},
       {".webp"},
       nullptr,
       "link pretext::webp, which needs libwebp, and include pretext/io/webp.hpp",
       8},
      {"DICOM",
       {"DICM"sv},
       {".dcm", ".dicom"},
       nullptr,
       "link pretext::dicom, which needs DCMTK, and include pretext/io/dicom.hpp",
       128}};
  return formats;
}

/// Adds a format, or the decoder of one that is known by name; true.
inline bool add_image_format(const image_format& format) {
  auto& formats = image_formats();
  const auto known = std::ranges::find(formats, format.name, &image_format::name);
  if (known == formats.end())
    formats.push_back(format);
  else
    *known = format;
  return true;
}

namespace detail {

/// The format whose files have this suffix, such as ".png" or ".JPG"; null if there is none.
inline const image_format* format_of(std::string suffix) {
  for (char& c : suffix)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto& formats = image_formats();
  const auto found = std::ranges::find_if(formats, [&](const image_format& format) {
    return std::ranges::find(format.suffixes, suffix) != format.suffixes.end();
  });
  return found == formats.end() ? nullptr : &*found;
}

}  // namespace detail

/// Is this the suffix of files that `decode_image` can read, such as ".png" or ".JPG"?
inline bool is_image_suffix(const std::string& suffix) {
  const image_format* const format = detail::format_of(suffix);
  return format && format->decode;
}

/// What to do to read files of this suffix, as the rest of a sentence, if their format is known but this
/// program was built without its reader; otherwise empty.
inline std::string missing_reader(const std::string& suffix) {
  const image_format* const format = detail::format_of(suffix);
  if (!format || format->decode) return {};
  return str_cat("; to read ", format->name, ", ", format->component);
}

/// Decodes a file of one of `image_formats()`, recognised by its first bytes, to `options.channels` channels
/// with the samples that the file has, and sets the range that views map to [0, 1]. Throws `bad_image`, whose
/// message begins with `name`. May be called from several threads.
inline void decode_image(std::span<const std::byte> file, const std::string& name,
                         const decode_options& options, image& out) {
  out.type = sample_type::uint8;
  out.range = {};
  if (file.empty()) throw_error<bad_image>(name, ": the file is empty");
  const std::string_view bytes{reinterpret_cast<const char*>(file.data()), file.size()};
  std::string known;
  const image_format* unread = nullptr;
  for (const image_format& format : image_formats()) {
    const std::string_view here = bytes.substr(std::min(format.signature_at, bytes.size()));
    const bool found =
        std::ranges::any_of(format.signatures, [&](auto magic) { return here.starts_with(magic); });
    if (format.decode) known += str_cat(known.empty() ? "neither " : " nor ", format.name);
    if (found && !format.decode) unread = &format;
    if (!found || !format.decode) continue;
    format.decode(file, name, options, out);
    convert_channels(out, options.channels, name);
    out.range = range_of(out, options.levels);
    return;
  }
  if (unread)
    throw_error<bad_image>(name, ": the file is ", known, " but ", unread->name,
                           ", and this program was built without a reader of ", unread->name,
                           "; to read it, ", unread->component);
  throw_error<bad_image>(name, ": the file is ", known);
}

}  // namespace pretext::inline v0_1
