// SPDX-License-Identifier: MIT
#pragma once
// Including this header gives decode_image a reader of WebP files, by libwebp: the optional component `webp`.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <webp/decode.h>
#include <webp/demux.h>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/io/bad_image.hpp>
#include <pretext/io/decode.hpp>
#include <pretext/io/decode_options.hpp>
#include <pretext/io/exif.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// What a status of libwebp means.
inline const char* describe_webp_status(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "the file ends too early";
    case VP8_STATUS_OUT_OF_MEMORY:
      return "there is not enough memory";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "a feature that libwebp does not know";
    default:
      return "the pixels cannot be decoded";
  }
}

}  // namespace detail

/// Decodes a WebP file, lossy or lossless, to 8-bit RGB; of an animation, the first frame on a black canvas.
/// Alpha is ignored unless the options ask for 4 channels, and so is the EXIF orientation unless they say
/// otherwise. Throws `bad_image`, whose message begins with `name`, if the file is damaged or larger than the
/// options allow. May be called from several threads.
inline void decode_webp(std::span<const std::byte> bytes, const std::string& name,
                        const decode_options& options, image& out) {
  const auto damaged = [&](const char* fault) { throw_error<bad_image>(name, ": damaged WebP: ", fault); };
  const WebPData file{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  // The container says how large the canvas is, and nothing of the pixels' size is allocated for it.
  const std::unique_ptr<WebPDemuxer, void (*)(WebPDemuxer*)> container{WebPDemux(&file), WebPDemuxDelete};
  if (!container) damaged("the file ends too early, or its parts do not fit together");
  const std::size_t height = WebPDemuxGetI(container.get(), WEBP_FF_CANVAS_HEIGHT),
                    width = WebPDemuxGetI(container.get(), WEBP_FF_CANVAS_WIDTH);
  if (height == 0 || width == 0) damaged("the image is empty");
  if (height * width > options.max_pixels)
    throw_error<bad_image>(name, ": ", height, " x ", width, " pixels are more than the ", options.max_pixels,
                           " allowed (max_pixels)");
  WebPIterator frame{};
  const std::unique_ptr<WebPIterator, void (*)(WebPIterator*)> released{&frame, WebPDemuxReleaseIterator};
  if (!WebPDemuxGetFrame(container.get(), 1, &frame)) damaged("there is no frame");
  if (!frame.complete) damaged("the file ends too early");
  const auto top = static_cast<std::size_t>(frame.y_offset), left = static_cast<std::size_t>(frame.x_offset),
             rows = static_cast<std::size_t>(frame.height), columns = static_cast<std::size_t>(frame.width);
  if (top + rows > height || left + columns > width) damaged("the first frame leaves the canvas");
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) damaged("libwebp has another version than its headers");
  if (WebPGetFeatures(frame.fragment.bytes, frame.fragment.size, &config.input) != VP8_STATUS_OK ||
      config.input.width != frame.width || config.input.height != frame.height)
    damaged("the frame has another size than the file says");

  const bool alpha = options.channels == 4;
  const std::size_t channels = alpha ? 4 : 3;
  out.resize<std::uint8_t>(height, width, channels);
  if (rows != height || columns != width) out.pixels.assign(out.pixels.size(), 0);
  const std::size_t offset = (top * width + left) * channels;
  config.output.colorspace = alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {.rgba = out.pixels.data() + offset,
                          .stride = static_cast<int>(width * channels),
                          .size = out.pixels.size() - offset};
  const VP8StatusCode status = WebPDecode(frame.fragment.bytes, frame.fragment.size, &config);
  if (status != VP8_STATUS_OK) damaged(detail::describe_webp_status(status));
  if (options.orientation == exif_orientation::apply) turn_upright(out, read_exif_orientation(bytes));
}

namespace detail {
inline const bool webp_is_added = add_image_format({"WebP", {"WEBP"}, {".webp"}, decode_webp, {}, 8});
}  // namespace detail

}  // namespace pretext::inline v0_1
