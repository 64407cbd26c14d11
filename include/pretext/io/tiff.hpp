// SPDX-License-Identifier: MIT
#pragma once
// Including this header gives decode_image a reader of TIFF files, by libtiff: the optional component `tiff`.
#include <algorithm>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tiffio.h>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/io/bad_image.hpp>
#include <pretext/io/decode.hpp>
#include <pretext/io/decode_options.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// A TIFF file in memory, as libtiff reads it; errors are kept as text and nothing is printed.
class tiff_file {
 public:
  /// `allocation`: the most bytes that libtiff may allocate at once.
  tiff_file(std::span<const std::byte> bytes, tmsize_t allocation) : bytes_{bytes} {
    const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options{TIFFOpenOptionsAlloc(),
                                                                               TIFFOpenOptionsFree};
    TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), allocation);
    TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_error, this);
    TIFFOpenOptionsSetWarningHandlerExtR(
        options.get(), [](TIFF*, void*, const char*, const char*, va_list) { return 1; }, nullptr);
    handle_ = TIFFClientOpenExt("", "rm", this, read, write, seek, close, size, map, unmap, options.get());
  }
  tiff_file(const tiff_file&) = delete;
  tiff_file& operator=(const tiff_file&) = delete;
  ~tiff_file() {
    if (handle_) TIFFClose(handle_);
  }

  TIFF* handle() const { return handle_; }
  const std::string& error() const { return error_; }

  template <class T>
  T field(ttag_t tag, T otherwise) const {
    T value = otherwise;
    return TIFFGetFieldDefaulted(handle_, tag, &value) ? value : otherwise;
  }

 private:
  static tiff_file& self(thandle_t client) { return *static_cast<tiff_file*>(client); }
  static int keep_error(TIFF*, void* user, const char*, const char* format, va_list values) {
    char text[200]{};
    std::vsnprintf(text, sizeof text, format, values);
    auto& error = static_cast<tiff_file*>(user)->error_;
    if (error.empty()) error = text;  // the first one is the cause
    return 1;
  }
  static tmsize_t read(thandle_t client, void* to, tmsize_t count) {
    auto& file = self(client);
    const std::size_t left = file.bytes_.size() - std::min(file.at_, file.bytes_.size());
    const std::size_t taken = std::min(left, static_cast<std::size_t>(count));
    if (taken > 0) std::memcpy(to, file.bytes_.data() + file.at_, taken);
    file.at_ += taken;
    return static_cast<tmsize_t>(taken);
  }
  static tmsize_t write(thandle_t, void*, tmsize_t) { return -1; }
  static toff_t seek(thandle_t client, toff_t to, int from) {
    auto& file = self(client);
    file.at_ = static_cast<std::size_t>(to) + (from == SEEK_CUR   ? file.at_
                                               : from == SEEK_END ? file.bytes_.size()
                                                                  : 0);
    return file.at_;
  }
  static int close(thandle_t) { return 0; }
  static toff_t size(thandle_t client) { return self(client).bytes_.size(); }
  static int map(thandle_t, void**, toff_t*) { return 0; }
  static void unmap(thandle_t, void*, toff_t) {}

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  std::string error_;
  TIFF* handle_ = nullptr;
};

/// How the samples of a TIFF file are stored.
struct tiff_layout {
  std::uint32_t height = 0, width = 0;
  std::uint16_t channels = 1, bits = 1, format = SAMPLEFORMAT_UINT, planar = PLANARCONFIG_CONTIG;
  std::uint16_t photometric = PHOTOMETRIC_MINISBLACK;

  explicit tiff_layout(const tiff_file& file)
      : height{file.field<std::uint32_t>(TIFFTAG_IMAGELENGTH, 0)},
        width{file.field<std::uint32_t>(TIFFTAG_IMAGEWIDTH, 0)},
        channels{file.field<std::uint16_t>(TIFFTAG_SAMPLESPERPIXEL, 1)},
        bits{file.field<std::uint16_t>(TIFFTAG_BITSPERSAMPLE, 1)},
        format{file.field<std::uint16_t>(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT)},
        planar{file.field<std::uint16_t>(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG)},
        photometric{file.field<std::uint16_t>(TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK)} {}

  std::size_t sample_bytes() const { return bits / 8; }
  std::size_t pixels() const { return std::size_t{height} * width; }
  /// Are the samples measurements that are kept as they are? Palettes, inks and differences of colours are
  /// not.
  bool is_plain() const {
    const bool integer = format == SAMPLEFORMAT_UINT && (bits == 8 || bits == 16 || bits == 32);
    const bool has_sign = format == SAMPLEFORMAT_INT && (bits == 8 || bits == 16 || bits == 32);
    const bool real = format == SAMPLEFORMAT_IEEEFP && (bits == 32 || bits == 64);
    return (integer || has_sign || real) &&
           (photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE ||
            photometric == PHOTOMETRIC_RGB);
  }
};

/// Reads a strip or a tile at a time and copies its samples to (height, width, channels).
inline bool read_tiff_samples(const tiff_file& file, const tiff_layout& of, std::vector<std::uint8_t>& to) {
  TIFF* const tiff = file.handle();
  const std::size_t sample = of.sample_bytes(), pixel = of.channels * sample, row = of.width * pixel;
  const bool separate = of.planar == PLANARCONFIG_SEPARATE, tiled = TIFFIsTiled(tiff) != 0;
  const std::uint32_t rows =
      tiled ? file.field<std::uint32_t>(TIFFTAG_TILELENGTH, 0)
            : std::min(file.field<std::uint32_t>(TIFFTAG_ROWSPERSTRIP, of.height), of.height);
  const std::uint32_t columns = tiled ? file.field<std::uint32_t>(TIFFTAG_TILEWIDTH, 0) : of.width;
  if (rows == 0 || columns == 0) return false;
  const std::size_t block_pixel = separate ? sample : pixel;
  const std::uint64_t block_bytes = std::uint64_t{rows} * columns * block_pixel;
  const tmsize_t announced = tiled ? TIFFTileSize(tiff) : TIFFStripSize(tiff);
  if (block_bytes > 4 * std::uint64_t{to.size()} + (1 << 20) ||
      static_cast<std::uint64_t>(announced) < block_bytes)
    return false;
  std::vector<std::uint8_t> block(static_cast<std::size_t>(announced));
  for (std::uint16_t plane = 0; plane < (separate ? of.channels : 1); ++plane)
    for (std::uint32_t top = 0; top < of.height; top += rows)
      for (std::uint32_t left = 0; left < of.width; left += columns) {
        const std::uint32_t index =
            tiled ? TIFFComputeTile(tiff, left, top, 0, plane) : TIFFComputeStrip(tiff, top, plane);
        const tmsize_t got = tiled ? TIFFReadEncodedTile(tiff, index, block.data(), announced)
                                   : TIFFReadEncodedStrip(tiff, index, block.data(), announced);
        const std::uint32_t height = std::min(rows, of.height - top),
                            width = std::min(columns, of.width - left);
        if (got < 0 || static_cast<std::uint64_t>(got) <
                           std::uint64_t{height - 1} * columns * block_pixel + width * block_pixel)
          return false;
        for (std::uint32_t y = 0; y < height; ++y) {
          const std::uint8_t* from = block.data() + std::size_t{y} * columns * block_pixel;
          std::uint8_t* at = to.data() + (top + y) * row + left * pixel + (separate ? plane * sample : 0);
          if (separate)
            for (std::uint32_t x = 0; x < width; ++x, from += sample, at += pixel)
              std::memcpy(at, from, sample);
          else
            std::memcpy(at, from, width * pixel);
        }
      }
  return true;
}

/// Replaces samples of a type that images do not have by floats.
template <class T>
void tiff_samples_to_floats(image& picture, std::size_t count) {
  std::vector<std::uint8_t> stored = std::exchange(picture.pixels, {});
  const auto samples = picture.resize<float>(picture.height, picture.width, picture.channels);
  for (std::size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, stored.data() + i * sizeof(T), sizeof(T));
    samples[i] = static_cast<float>(value);
  }
}

/// Drops the channels that are transparency, unless the options ask for all that the file has.
inline void drop_tiff_alpha(const tiff_file& file, std::size_t wanted, image& picture) {
  std::uint16_t count = 0;
  std::uint16_t* kinds = nullptr;
  if (picture.channels == wanted ||
      !TIFFGetFieldDefaulted(file.handle(), TIFFTAG_EXTRASAMPLES, &count, &kinds) || count != 1 ||
      picture.channels < 2 || kinds[0] == EXTRASAMPLE_UNSPECIFIED)
    return;
  const std::size_t sample = size_of(picture.type), before = picture.channels * sample,
                    after = before - sample;
  for (std::size_t i = 0; i < picture.height * picture.width; ++i)
    std::memmove(picture.pixels.data() + i * after, picture.pixels.data() + i * before, after);
  --picture.channels;
  picture.pixels.resize(picture.height * picture.width * after);
}

}  // namespace detail

/// Decodes the first image of a TIFF file, striped or tiled, with interleaved or separate channels. Samples
/// of 8 and 16 bits without sign and floats of 32 bits are kept; other integers and doubles become floats;
/// palettes, CMYK, YCbCr and samples of fewer bits become 8-bit RGB. An image whose samples grow towards
/// black gets an inverted range. Throws `bad_image`, whose message begins with `name`, if the file is damaged
/// or larger than the options allow. May be called from several threads.
inline void decode_tiff(std::span<const std::byte> bytes, const std::string& name,
                        const decode_options& options, image& out) {
  const std::uint64_t limit =
      std::uint64_t{options.max_pixels} * 16;  // bytes; two doubles per pixel, for example
  detail::tiff_file file{bytes,
                         static_cast<tmsize_t>(std::min<std::uint64_t>(limit + (1 << 20), PTRDIFF_MAX))};
  const auto damaged = [&] {
    throw_error<bad_image>(
        name, ": damaged TIFF: ", file.error().empty() ? "the samples are incomplete" : file.error());
  };
  if (!file.handle()) damaged();
  const detail::tiff_layout layout{file};
  const std::size_t pixels = layout.pixels();
  if (pixels == 0) throw_error<bad_image>(name, ": damaged TIFF: the image is empty");
  if (pixels > options.max_pixels)
    throw_error<bad_image>(name, ": ", layout.height, " x ", layout.width, " pixels are more than the ",
                           options.max_pixels, " allowed (max_pixels)");
  if (!layout.is_plain()) {
    if (layout.channels > 4)
      throw_error<bad_image>(name, ": TIFF files of ", layout.channels, " channels with samples of ",
                             layout.bits, " bits are not supported; store 8 or 16 bits or floats");
    std::vector<std::uint32_t> rgba(pixels);
    if (!TIFFReadRGBAImageOriented(file.handle(), layout.width, layout.height, rgba.data(),
                                   ORIENTATION_TOPLEFT, 1))
      damaged();
    const auto samples = out.resize<std::uint8_t>(layout.height, layout.width, 3);
    for (std::size_t i = 0; i < pixels; ++i) {
      samples[3 * i] = static_cast<std::uint8_t>(TIFFGetR(rgba[i]));
      samples[3 * i + 1] = static_cast<std::uint8_t>(TIFFGetG(rgba[i]));
      samples[3 * i + 2] = static_cast<std::uint8_t>(TIFFGetB(rgba[i]));
    }
    return;
  }
  const std::size_t count = pixels * layout.channels;
  if (count * layout.sample_bytes() > limit)
    throw_error<bad_image>(name, ": ", layout.height, " x ", layout.width, " pixels of ", layout.channels,
                           " channels are more than the ", options.max_pixels,
                           " pixels allowed (max_pixels) may need");
  // These compressions make samples smaller by less than this; what others announce cannot be bounded by the
  // file.
  const auto compression = file.field<std::uint16_t>(TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  const std::uint64_t most = compression == COMPRESSION_NONE ? 1
                             : compression == COMPRESSION_LZW || compression == COMPRESSION_PACKBITS ||
                                     compression == COMPRESSION_DEFLATE ||
                                     compression == COMPRESSION_ADOBE_DEFLATE
                                 ? 4096
                                 : UINT32_MAX;
  if (count * layout.sample_bytes() / most > bytes.size())
    throw_error<bad_image>(name, ": damaged TIFF: there are fewer bytes than the samples need");
  out.height = layout.height;
  out.width = layout.width;
  out.channels = layout.channels;
  out.pixels.assign(count * layout.sample_bytes(), 0);
  if (!detail::read_tiff_samples(file, layout, out.pixels)) damaged();
  const bool whole = layout.format == SAMPLEFORMAT_UINT, real = layout.format == SAMPLEFORMAT_IEEEFP;
  out.type = whole && layout.bits == 8    ? sample_type::uint8
             : whole && layout.bits == 16 ? sample_type::uint16
                                          : sample_type::float32;
  if (whole && layout.bits == 32) detail::tiff_samples_to_floats<std::uint32_t>(out, count);
  if (real && layout.bits == 64) detail::tiff_samples_to_floats<double>(out, count);
  if (!whole && !real) {
    if (layout.bits == 8) detail::tiff_samples_to_floats<std::int8_t>(out, count);
    if (layout.bits == 16) detail::tiff_samples_to_floats<std::int16_t>(out, count);
    if (layout.bits == 32) detail::tiff_samples_to_floats<std::int32_t>(out, count);
  }
  if (layout.photometric == PHOTOMETRIC_MINISWHITE) {
    const auto [low, high] = bounds_of(out.type, out.range);
    out.range = {high, low};
  }
  detail::drop_tiff_alpha(file, options.channels, out);
}

namespace detail {
inline const bool tiff_is_added =
    add_image_format({"TIFF",
                      {std::string_view{"II*\0", 4}, std::string_view{"MM\0*", 4},
                       std::string_view{"II+\0", 4}, std::string_view{"MM\0+", 4}},
                      {".tif", ".tiff"},
                      decode_tiff});
}  // namespace detail

}  // namespace pretext::inline v0_1
