// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <bit>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <png.h>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/core/image_layout.hpp>
#include <pretext/io/bad_image.hpp>
#include <pretext/io/decode_options.hpp>
#include <pretext/io/exif.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// A decoder of libpng. Errors jump to `escape` with a message and print nothing: libpng reports them through
/// a callback that must not return, and C code between it and us cannot be unwound by an exception.
struct png_decoder {
  std::span<const std::byte> unread;
  std::jmp_buf escape;
  char message[160]{};
  png_structp png = nullptr;
  png_infop info = nullptr;

  explicit png_decoder(std::span<const std::byte> file) : unread{file} {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, escape_with_message,
                                 [](png_structp, png_const_charp) {});
    if (png != nullptr) info = png_create_info_struct(png);
    if (info == nullptr) {
      png_destroy_read_struct(&png, nullptr, nullptr);
      throw std::bad_alloc{};
    }
    png_set_read_fn(png, this, [](png_structp reader, png_bytep to, std::size_t count) {
      auto& self = *static_cast<png_decoder*>(png_get_io_ptr(reader));
      if (count > self.unread.size()) png_error(reader, "the file ends too early");
      std::copy_n(reinterpret_cast<const png_byte*>(self.unread.data()), count, to);
      self.unread = self.unread.subspan(count);
    });
  }
  png_decoder(const png_decoder&) = delete;
  png_decoder& operator=(const png_decoder&) = delete;
  ~png_decoder() { png_destroy_read_struct(&png, &info, nullptr); }

  [[noreturn]] static void escape_with_message(png_structp reader, png_const_charp error) {
    auto& self = *static_cast<png_decoder*>(png_get_error_ptr(reader));
    std::snprintf(self.message, sizeof self.message, "%s", error);
    std::longjmp(self.escape, 1);
  }

  /// Returns false if libpng failed within `work`, which must hold no object with a destructor: longjmp skips
  /// it.
  template <class Work>
  bool run(Work& work) {
    if (setjmp(escape) != 0) return false;
    work();
    return true;
  }
};

}  // namespace detail

/// Decodes a PNG file of 8 or 16 bits, which are kept; fewer bits become 8, palettes RGB, and gray becomes
/// RGB if the options ask for three channels. Alpha, unless they ask for 2 or 4 channels, and gamma are
/// ignored, and so is the EXIF orientation unless the options say otherwise. Throws `bad_image`, whose
/// message begins with `name`, if the pixels are damaged or missing, or if the image is larger than the
/// options allow. Whatever follows the pixels may be missing. May be called from several threads.
inline void decode_png(std::span<const std::byte> file, const std::string& name,
                       const decode_options& options, image& out) {
  detail::png_decoder decoder{file};
  std::vector<png_bytep> rows;
  std::size_t height = 0, width = 0;
  bool too_large = false;
  auto work = [&] {
    const png_structp png = decoder.png;
#ifdef PNG_SET_UNKNOWN_CHUNKS_SUPPORTED
    // No other chunks than those that decide the pixels: libpng would allocate what such a chunk announces.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
#endif
    png_read_info(png, decoder.info);
    height = png_get_image_height(png, decoder.info);
    width = png_get_image_width(png, decoder.info);
    too_large = height * width > options.max_pixels;
    if (too_large) return;
    // Deflate packs at most 1032 bytes into one.
    if (height * png_get_rowbytes(png, decoder.info) / 1032 > file.size())
      png_error(png, "there are fewer bytes than the pixels need");
    png_set_expand(png);
    if (std::endian::native == std::endian::little) png_set_swap(png);
    if (options.channels == 3) png_set_gray_to_rgb(png);
    if (options.channels != 2 && options.channels != 4) png_set_strip_alpha(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, decoder.info);
    const std::size_t channels = png_get_channels(png, decoder.info);
    if (png_get_bit_depth(png, decoder.info) == 16)
      out.resize<std::uint16_t>(height, width, channels);
    else
      out.resize<std::uint8_t>(height, width, channels);
    const std::size_t row = png_get_rowbytes(png, decoder.info);
    if (row * height != out.pixels.size()) png_error(png, "the pixels have no known layout");
    rows.resize(height);
    for (std::size_t y = 0; y < height; ++y) rows[y] = out.pixels.data() + row * y;
    png_read_image(png,
                   rows.data());  // with the checksums of the pixels; the end of the file does not matter
  };
  if (!decoder.run(work)) throw_error<bad_image>(name, ": damaged PNG: ", decoder.message);
  if (too_large)
    throw_error<bad_image>(name, ": ", height, " x ", width, " pixels are more than the ", options.max_pixels,
                           " allowed (max_pixels)");
  if (options.orientation == exif_orientation::apply) turn_upright(out, read_exif_orientation(file));
}

/// Encodes a picture (H, W, C) of 8 or 16 bits as a PNG file; C is 1 (gray), 3 (RGB) or 4 (RGBA). Throws
/// std::invalid_argument for others.
inline std::vector<std::byte> encode_png(image_view picture) {
  image storage;
  picture = contiguous(picture, storage);
  expects(picture.height > 0 && picture.width > 0 &&
              (picture.channels == 1 || picture.channels == 3 || picture.channels == 4) &&
              picture.type != sample_type::float32,
          "cannot encode a picture of ", picture.height, " x ", picture.width, " x ", picture.channels,
          " samples of ", 8 * size_of(picture.type), " bits as PNG");
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(picture.width);
  header.height = static_cast<png_uint_32>(picture.height);
  header.format = picture.channels == 1   ? PNG_FORMAT_GRAY
                  : picture.channels == 3 ? PNG_FORMAT_RGB
                                          : PNG_FORMAT_RGBA;
  if (picture.type == sample_type::uint16) header.format |= PNG_FORMAT_FLAG_LINEAR;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(header);
  std::vector<std::byte> file(size);
  if (png_image_write_to_memory(&header, file.data(), &size, 0, picture.pixels, 0, nullptr) == 0)
    throw_error<std::runtime_error>("cannot encode a picture as PNG: ", header.message);
  file.resize(size);
  return file;
}

}  // namespace pretext::inline v0_1
