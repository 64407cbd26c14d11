// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/host_device.hpp>

// Files decide what an image's samples are, so their type is a run-time value; most images have 8 bits, and
// code for those needs only `height`, `width`, `channels` and `pixels`.
namespace pretext::inline v0_1 {

/// The type of the samples of an image.
enum class sample_type : std::uint8_t { uint8, uint16, float32 };

/// The types that `sample_type` names.
template <class T>
concept ImageSample =
    std::same_as<T, std::uint8_t> || std::same_as<T, std::uint16_t> || std::same_as<T, float>;

/// The enumerator of a type of samples.
template <ImageSample T>
inline constexpr sample_type sample_type_of = std::same_as<T, std::uint8_t>    ? sample_type::uint8
                                              : std::same_as<T, std::uint16_t> ? sample_type::uint16
                                                                               : sample_type::float32;

/// Bytes of one sample.
PRETEXT_HOST_DEVICE constexpr std::size_t size_of(sample_type type) {
  return type == sample_type::uint8 ? 1 : type == sample_type::uint16 ? 2 : 4;
}

/// Views map `low` to 0 and `high` to 1 linearly and clip what lies beyond; `low` > `high` inverts the image.
/// Equal bounds, the default, stand for the whole range of the type: [0, 255], [0, 65535], or [0, 1] of
/// floats.
struct sample_range {
  float low = 0, high = 0;
  friend constexpr bool operator==(const sample_range&, const sample_range&) = default;
};

/// The bounds that a range stands for.
PRETEXT_HOST_DEVICE constexpr sample_range bounds_of(sample_type type, sample_range range) {
  if (range.low != range.high) return range;
  return {0, type == sample_type::uint8 ? 255.f : type == sample_type::uint16 ? 65535.f : 1.f};
}

/// Bytes from the first sample of a row to that of the next row, from pixel to pixel, and from channel to
/// channel; negative ones go backwards. All zero, the default, stands for contiguous samples.
struct image_strides {
  std::ptrdiff_t row = 0, pixel = 0, channel = 0;
  friend constexpr bool operator==(const image_strides&, const image_strides&) = default;
};

/// Samples without ownership: (height, width, channels), row by row, channels last, unless `strides` say
/// otherwise (core/image_layout.hpp). `pixels` is the first byte of the first sample, which needs no
/// alignment.
struct image_view {
  const std::uint8_t* pixels = nullptr;
  std::size_t height = 0, width = 0, channels = 0;
  sample_type type = sample_type::uint8;
  sample_range range{};
  image_strides strides{};

  /// Bytes of all samples, without what lies between them.
  constexpr std::size_t bytes() const { return height * width * channels * size_of(type); }
  constexpr bool is_contiguous() const { return strides == image_strides{}; }
};

/// A view of samples (height, width, channels) of any type, channels last; the samples must outlive it.
template <ImageSample T>
image_view view_of(const T* samples, std::size_t height, std::size_t width, std::size_t channels,
                   sample_range range = {}) {
  return {
      reinterpret_cast<const std::uint8_t*>(samples), height, width, channels, sample_type_of<T>, range, {}};
}

/// An owned image: (height, width, channels), row by row, channels last; 8-bit samples unless `type` says
/// otherwise.
struct image {
  std::size_t height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;  ///< the bytes of the samples, in the machine's byte order
  sample_type type = sample_type::uint8;
  sample_range range{};

  /// Throws std::invalid_argument if the image has fewer bytes than its extents need.
  operator image_view() const {
    const image_view all{pixels.data(), height, width, channels, type, range, {}};
    expects(pixels.size() >= all.bytes(), "an image of ", height, " x ", width, " x ", channels,
            " samples needs ", all.bytes(), " bytes of pixels but has ", pixels.size());
    return all;
  }

  /// Gives the image these extents and samples of type T with their whole range, and returns the samples,
  /// whose values are unspecified.
  template <ImageSample T>
  std::span<T> resize(std::size_t rows, std::size_t columns, std::size_t depth) {
    height = rows;
    width = columns;
    channels = depth;
    type = sample_type_of<T>;
    range = {};
    pixels.resize(rows * columns * depth * sizeof(T));
    return samples<T>();
  }

  /// The samples; throws std::invalid_argument if they are of another type than T.
  template <ImageSample T>
  std::span<T> samples() {
    expects(type == sample_type_of<T>, "image::samples: the samples have ", 8 * size_of(type), " bits, not ",
            8 * sizeof(T), "; look at `type` first");
    return {reinterpret_cast<T*>(pixels.data()), pixels.size() / sizeof(T)};
  }
  template <ImageSample T>
  std::span<const T> samples() const {
    return const_cast<image&>(*this).samples<T>();
  }
};

}  // namespace pretext::inline v0_1
