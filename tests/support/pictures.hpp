#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include <jpeglib.h>
#include <png.h>

#include <pretext/core/image.hpp>

/// A smooth picture that differs at every position and in every channel.
inline pretext::image smooth_picture(std::size_t height, std::size_t width, std::size_t channels = 3) {
  pretext::image picture{height, width, channels, {}};
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t c = 0; c < channels; ++c) {
        const double u = static_cast<double>(x) / static_cast<double>(width);
        const double v = static_cast<double>(y) / static_cast<double>(height);
        const double value = c == 0 ? u : c == 1 ? v : 1 - u * v;
        picture.pixels.push_back(static_cast<std::uint8_t>(20 + 200 * value));
      }
  return picture;
}

/// Mean absolute difference of two pictures of equal size.
inline double difference(const pretext::image& a, const pretext::image& b) {
  if (a.pixels.size() != b.pixels.size()) return 255;
  double total = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) total += std::abs(int{a.pixels[i]} - int{b.pixels[i]});
  return total / static_cast<double>(a.pixels.size());
}

struct jpeg_options {
  J_COLOR_SPACE input = JCS_RGB, stored = JCS_YCbCr;
  int quality = 95;
  bool progressive = false;
  unsigned restart_rows = 0;  // MCU rows between restart markers; 0: none
};

/// A JPEG file of the picture, whose channels are those of `input`.
inline std::string jpeg_of(const pretext::image& picture, jpeg_options options = {}) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_width = static_cast<JDIMENSION>(picture.width);
  info.image_height = static_cast<JDIMENSION>(picture.height);
  info.input_components = static_cast<int>(picture.channels);
  info.in_color_space = options.input;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, options.stored);
  jpeg_set_quality(&info, options.quality, TRUE);
  if (options.progressive) jpeg_simple_progression(&info);
  info.restart_in_rows = static_cast<int>(options.restart_rows);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* line =
        const_cast<JSAMPROW>(picture.pixels.data()) + info.next_scanline * picture.width * picture.channels;
    jpeg_write_scanlines(&info, &line, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string file{reinterpret_cast<char*>(memory), size};
  std::free(memory);
  return file;
}

/// A PNG file of raw rows with the `color_type` and `bits` of libpng, and a palette if the type needs one.
inline std::string png_of(std::size_t height, std::size_t width, int color_type, int bits,
                          const std::vector<std::uint8_t>& rows, bool interlaced = false,
                          const std::vector<png_color>& palette = {}) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  if (setjmp(png_jmpbuf(png))) throw std::runtime_error{"libpng rejected the picture of the test"};
  std::string file;
  png_set_write_fn(
      png, &file,
      [](png_structp writer, png_bytep bytes, std::size_t count) {
        static_cast<std::string*>(png_get_io_ptr(writer))->append(reinterpret_cast<char*>(bytes), count);
      },
      nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), bits, color_type,
               interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  if (!palette.empty()) png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
  png_write_info(png, info);
  const int passes = interlaced ? png_set_interlace_handling(png) : 1;
  for (int pass = 0; pass < passes; ++pass)
    for (std::size_t y = 0; y < height; ++y) png_write_row(png, rows.data() + y * (rows.size() / height));
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return file;
}
