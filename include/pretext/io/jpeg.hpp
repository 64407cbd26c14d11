// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>  // jpeglib.h needs FILE
#include <span>
#include <string>

#include <jerror.h>
#include <jpeglib.h>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/io/bad_image.hpp>
#include <pretext/io/decode_options.hpp>
#include <pretext/io/exif.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// A decoder of libjpeg. Errors jump to `escape` with a message and print nothing: libjpeg reports them
/// through a callback that must not return, and C code between it and us cannot be unwound by an exception.
struct jpeg_decoder {
  jpeg_error_mgr errors{};  // first member: libjpeg passes its address to the callbacks
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX]{};
  jpeg_progress_mgr progress{};
  jpeg_decompress_struct info{};
  std::size_t max_work;  ///< pixels of all scans together

  explicit jpeg_decoder(std::size_t max_pixels)
      : max_work{20 * std::max<std::size_t>(max_pixels, 200'000'000)} {
    info.err = jpeg_std_error(&errors);
    errors.error_exit = [](j_common_ptr common) { escape_with_message(common); };
    errors.output_message = [](j_common_ptr) {};
    errors.emit_message = [](j_common_ptr common, int level) {
      if (level < 0 && !keeps_pixels(common->err->msg_code)) escape_with_message(common);
    };
    // A small file can demand hundreds of progressive scans of a large image.
    progress.progress_monitor = [](j_common_ptr common) {
      const auto* decompress = reinterpret_cast<j_decompress_ptr>(common);
      const auto scans = static_cast<std::size_t>(decompress->input_scan_number);
      auto& self = *reinterpret_cast<jpeg_decoder*>(common->err);
      if (scans <= 500 && (scans <= 1 || scans * pixels_of(*decompress) <= self.max_work)) return;
      std::snprintf(self.message, sizeof self.message, "too many scans, %zu or more, of %u x %u pixels",
                    scans, decompress->image_height, decompress->image_width);
      std::longjmp(self.escape, 1);
    };
  }
  jpeg_decoder(const jpeg_decoder&) = delete;
  jpeg_decoder& operator=(const jpeg_decoder&) = delete;
  ~jpeg_decoder() { jpeg_destroy_decompress(&info); }

  /// True for a warning after which the pixels are still certain, because no data are lost: peculiarities of
  /// the writer that other decoders accept, too. JWRN_NOT_SEQUENTIAL is written by cameras of Samsung.
  static bool keeps_pixels(int warning) {
    return warning == JWRN_EXTRANEOUS_DATA || warning == JWRN_ADOBE_XFORM || warning == JWRN_JFIF_MAJOR ||
           warning == JWRN_TOO_MUCH_DATA || warning == JWRN_NOT_SEQUENTIAL ||
           warning == JWRN_BOGUS_PROGRESSION;
  }

  static std::size_t pixels_of(const jpeg_decompress_struct& info) {
    return std::size_t{info.image_height} * info.image_width;
  }

  [[noreturn]] static void escape_with_message(j_common_ptr common) {
    auto& self = *reinterpret_cast<jpeg_decoder*>(common->err);
    if (common->err->msg_code == JERR_NO_BACKING_STORE)
      std::snprintf(self.message, sizeof self.message,
                    "the coefficients of %u x %u pixels need more memory than max_pixels allows",
                    self.info.image_height, self.info.image_width);
    else
      self.errors.format_message(common, self.message);
    std::longjmp(self.escape, 1);
  }

  /// Returns false if libjpeg failed within `work`, which must hold no object with a destructor: longjmp
  /// skips it.
  template <class Work>
  bool run(Work& work) {
    if (setjmp(escape) != 0) return false;
    work();
    return true;
  }
};

/// The smallest of libjpeg's scales n/8 (1, 2, 4, 8) at which the shorter side is at least twice the target.
inline unsigned jpeg_scale(std::size_t shorter, std::size_t target) {
  for (unsigned eighths = 1; eighths < 8 && target > 0; eighths *= 2)
    if ((shorter * eighths + 7) / 8 >= 2 * target) return eighths;
  return 8;
}

/// Converts CMYK to RGB in place; Adobe stores inverted CMYK.
inline void cmyk_to_rgb(image& picture, bool inverted) {
  const std::size_t pixels = picture.height * picture.width;
  for (std::size_t at = 0; at < pixels; ++at)
    for (std::size_t c = 0; c < 3; ++c) {
      const auto light = [&](std::size_t ink) {
        const unsigned value = picture.pixels[4 * at + ink];
        return inverted ? value : 255 - value;
      };
      picture.pixels[3 * at + c] = static_cast<std::uint8_t>((light(c) * light(3) + 127) / 255);
    }
  picture.pixels.resize(3 * pixels);
}

}  // namespace detail

/// Decodes a JPEG file to 8-bit RGB. Gray, CMYK and YCCK are converted; colour profiles are ignored, and so
/// is the EXIF orientation unless the options say otherwise. Throws `bad_image`, whose message begins with
/// `name`, if data are damaged or missing (a lost restart interval, too: other decoders guess its pixels), or
/// if the image is larger than the options allow. Arithmetic coding may leave out trailing bytes, so that
/// cut-off data in front of an end marker cannot be recognised there. May be called from several threads.
inline void decode_jpeg(std::span<const std::byte> file, const std::string& name,
                        const decode_options& options, image& out) {
  detail::jpeg_decoder decoder{options.max_pixels};
  auto& info = decoder.info;
  bool too_large = false, is_cmyk = false;
  auto work = [&] {
    jpeg_create_decompress(&info);
    // For the coefficients of progressive files; images of usual size always fit.
    info.mem->max_memory_to_use = static_cast<long>(64'000'000 + 3 * options.max_pixels);
    info.progress = &decoder.progress;
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(file.data()),
                 static_cast<unsigned long>(file.size()));
    jpeg_read_header(&info, TRUE);
    const std::size_t height = info.image_height, width = info.image_width;
    is_cmyk = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
    info.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    info.scale_num = detail::jpeg_scale(height < width ? height : width, options.target_side);
    info.scale_denom = 8;
    jpeg_calc_output_dimensions(&info);
    out.height = info.output_height;
    out.width = info.output_width;
    too_large = out.height * out.width > options.max_pixels || height * width > decoder.max_work;
    if (too_large) return;
    // A Huffman code has a bit or more per block of 64 pixels.
    if (height * width > 1'000'000 && height * width / 1024 > file.size()) {
      std::snprintf(decoder.message, sizeof decoder.message, "%zu bytes are too few for %zu x %zu pixels",
                    file.size(), height, width);
      std::longjmp(decoder.escape, 1);
    }
    jpeg_start_decompress(&info);
    out.channels = 3;
    const std::size_t row = out.width * (is_cmyk ? 4 : 3);
    out.pixels.resize(out.height * row);
    while (info.output_scanline < info.output_height) {
      JSAMPROW line = out.pixels.data() + info.output_scanline * row;
      jpeg_read_scanlines(&info, &line, 1);
    }
    jpeg_finish_decompress(&info);
  };
  if (!decoder.run(work)) throw_error<bad_image>(name, ": damaged JPEG: ", decoder.message);
  if (too_large)
    throw_error<bad_image>(name, ": ", out.height, " x ", out.width, " pixels are more than the ",
                           options.max_pixels, " allowed (max_pixels)");
  if (is_cmyk) detail::cmyk_to_rgb(out, info.saw_Adobe_marker != 0);
  if (options.orientation == exif_orientation::apply) turn_upright(out, read_exif_orientation(file));
}

}  // namespace pretext::inline v0_1
