// SPDX-License-Identifier: MIT
#pragma once
// Images in the memory of other libraries have padded rows, blue before red, an alpha channel, or one plane
// per channel. A view describes each of these by its strides, and nothing is copied.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>

namespace pretext::inline v0_1 {

/// The strides of an image in bytes, also of a contiguous one.
constexpr image_strides strides_of(const image_view& picture) {
  if (!picture.is_contiguous()) return picture.strides;
  const auto sample = static_cast<std::ptrdiff_t>(size_of(picture.type)),
             channels = static_cast<std::ptrdiff_t>(picture.channels),
             width = static_cast<std::ptrdiff_t>(picture.width);
  return {width * channels * sample, channels * sample, sample};
}

/// A contiguous image, or planes, with rows that begin `bytes` after one another, such as OpenCV's `step`;
/// call this before the functions below. Throws std::invalid_argument if a row does not fit or the rows were
/// reversed.
inline image_view with_row_stride(image_view picture, std::size_t bytes) {
  const image_strides own = strides_of(picture);
  const auto row = static_cast<std::ptrdiff_t>(bytes);
  expects(own.row >= 0 && own.channel >= 0,
          "with_row_stride: set the distance of the rows before their order or that "
          "of the channels is reversed");
  expects(bytes >= picture.width * static_cast<std::size_t>(own.pixel), "with_row_stride: rows of ",
          picture.width, " pixels of ", own.pixel, " bytes do not fit into ", bytes, " bytes");
  const bool planes = picture.channels > 1 && own.channel >= own.row;
  picture.strides = {row, own.pixel,
                     planes ? row * static_cast<std::ptrdiff_t>(picture.height) : own.channel};
  return picture;
}

/// The same image with its channels in reverse order: BGR as RGB.
constexpr image_view reversed_channels(image_view picture) {
  const image_strides own = strides_of(picture);
  if (picture.channels > 0) picture.pixels += static_cast<std::ptrdiff_t>(picture.channels - 1) * own.channel;
  picture.strides = {own.row, own.pixel, -own.channel};
  return picture;
}

/// The first `count` channels of an image: RGBA as RGB. Throws std::invalid_argument if it has fewer.
inline image_view first_channels(image_view picture, std::size_t count) {
  expects(0 < count && count <= picture.channels, "first_channels: an image of ", picture.channels,
          " channels does not have the first ", count);
  picture.strides = strides_of(picture);
  picture.channels = count;
  return picture;
}

/// The same image upside down: bitmaps whose last row comes first.
constexpr image_view reversed_rows(image_view picture) {
  const image_strides own = strides_of(picture);
  if (picture.height > 0) picture.pixels += static_cast<std::ptrdiff_t>(picture.height - 1) * own.row;
  picture.strides = {-own.row, own.pixel, own.channel};
  return picture;
}

/// A view of contiguous planes (channels, height, width), as PyTorch stores images; the samples must outlive
/// it.
template <ImageSample T>
image_view view_of_planes(const T* samples, std::size_t height, std::size_t width, std::size_t channels,
                          sample_range range = {}) {
  image_view picture = view_of(samples, height, width, channels, range);
  const auto sample = static_cast<std::ptrdiff_t>(sizeof(T)),
             row = sample * static_cast<std::ptrdiff_t>(width);
  picture.strides = {row, sample, row * static_cast<std::ptrdiff_t>(height)};
  return picture;
}

/// Copies the samples of an image to `bytes()` contiguous bytes.
inline void copy_samples(const image_view& picture, std::uint8_t* to) {
  const std::size_t sample = size_of(picture.type);
  const image_strides step = strides_of(picture);
  if (picture.is_contiguous()) {
    if (picture.bytes() > 0) std::memcpy(to, picture.pixels, picture.bytes());
    return;
  }
  for (std::size_t y = 0; y < picture.height; ++y)
    for (std::size_t x = 0; x < picture.width; ++x)
      for (std::size_t c = 0; c < picture.channels; ++c, to += sample)
        std::memcpy(to,
                    picture.pixels + static_cast<std::ptrdiff_t>(y) * step.row +
                        static_cast<std::ptrdiff_t>(x) * step.pixel +
                        static_cast<std::ptrdiff_t>(c) * step.channel,
                    sample);
}

/// The image itself if its samples are contiguous; otherwise a view of a copy in `storage`, which must
/// outlive it.
inline image_view contiguous(const image_view& picture, image& storage) {
  if (picture.is_contiguous()) return picture;
  storage.height = picture.height;
  storage.width = picture.width;
  storage.channels = picture.channels;
  storage.type = picture.type;
  storage.range = picture.range;
  storage.pixels.resize(picture.bytes());
  copy_samples(picture, storage.pixels.data());
  return storage;
}

}  // namespace pretext::inline v0_1
