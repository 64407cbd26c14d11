#pragma once
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

  jpeg_decoder() {
    info.err = jpeg_std_error(&errors);
    errors.error_exit = [](j_common_ptr common) { escape_with_message(common); };
    errors.output_message = [](j_common_ptr) {};
    errors.emit_message = [](j_common_ptr common, int level) {
      if (level >= 0) return;  // a trace; a negative level is damaged data
      const int code = common->err->msg_code;
      if (code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM && code != JWRN_JFIF_MAJOR &&
          code != JWRN_TOO_MUCH_DATA)
        escape_with_message(common);
    };
    // A small file can demand thousands of progressive scans of a large image.
    progress.progress_monitor = [](j_common_ptr common) {
      auto* decompress = reinterpret_cast<j_decompress_ptr>(common);
      if (decompress->input_scan_number <= 500) return;
      common->err->msg_code = JERR_BAD_PROGRESSION;
      escape_with_message(common);
    };
  }
  jpeg_decoder(const jpeg_decoder&) = delete;
  jpeg_decoder& operator=(const jpeg_decoder&) = delete;
  ~jpeg_decoder() { jpeg_destroy_decompress(&info); }

  [[noreturn]] static void escape_with_message(j_common_ptr common) {
    auto& self = *reinterpret_cast<jpeg_decoder*>(common->err);
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

/// Decodes a JPEG file to 8-bit RGB. Gray, CMYK and YCCK are converted; EXIF orientation and colour profiles
/// are ignored. Throws `bad_image`, whose message begins with `name`, if the data are damaged, truncated or
/// larger than the options allow. May be called from several threads.
inline void decode_jpeg(std::span<const std::byte> file, const std::string& name,
                        const decode_options& options, image& out) {
  detail::jpeg_decoder decoder;
  auto& info = decoder.info;
  bool too_large = false, is_cmyk = false;
  auto work = [&] {
    jpeg_create_decompress(&info);
    info.progress = &decoder.progress;
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(file.data()),
                 static_cast<unsigned long>(file.size()));
    jpeg_read_header(&info, TRUE);
    const std::size_t height = info.image_height, width = info.image_width;
    too_large = height * width > options.max_pixels;
    if (too_large) return;
    is_cmyk = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
    info.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    info.scale_num = detail::jpeg_scale(height < width ? height : width, options.target_side);
    info.scale_denom = 8;
    jpeg_start_decompress(&info);
    out.height = info.output_height;
    out.width = info.output_width;
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
    throw_error<bad_image>(name, ": ", info.image_width, " x ", info.image_height,
                           " pixels are more than the ", options.max_pixels, " allowed");
  if (is_cmyk) detail::cmyk_to_rgb(out, info.saw_Adobe_marker != 0);
}

}  // namespace pretext::inline v0_1
