// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/io/bad_image.hpp>

namespace pretext::inline v0_1 {

namespace detail {

template <class T>
void gray_to_rgb(image& picture) {
  const std::size_t pixels = picture.height * picture.width;
  picture.pixels.resize(3 * pixels * sizeof(T));
  picture.channels = 3;
  const std::span<T> samples = picture.samples<T>();
  for (std::size_t i = pixels; i-- > 0;)
    samples[3 * i] = samples[3 * i + 1] = samples[3 * i + 2] = samples[i];
}

/// .299 R + .587 G + .114 B, as PIL and OpenCV compute it.
template <class T>
void rgb_to_gray(image& picture) {
  const std::size_t pixels = picture.height * picture.width;
  const std::span<T> samples = picture.samples<T>();
  constexpr float half = sample_type_of<T> == sample_type::float32 ? 0.f : .5f;
  for (std::size_t i = 0; i < pixels; ++i)
    samples[i] = static_cast<T>(.299f * static_cast<float>(samples[3 * i]) +
                                .587f * static_cast<float>(samples[3 * i + 1]) +
                                .114f * static_cast<float>(samples[3 * i + 2]) + half);
  picture.pixels.resize(pixels * sizeof(T));
  picture.channels = 1;
}

}  // namespace detail

/// Gives an image so many channels: gray becomes RGB by repetition, RGB becomes gray by its luminance; 0
/// changes nothing. Throws `bad_image`, whose message begins with `name`, for any other pair of numbers.
inline void convert_channels(image& picture, std::size_t channels, const std::string& name) {
  if (channels == 0 || channels == picture.channels) return;
  const bool widens = picture.channels == 1 && channels == 3,
             narrows = picture.channels == 3 && channels == 1;
  if (!widens && !narrows)
    throw_error<bad_image>(name, ": has ", picture.channels, picture.channels == 1 ? " channel" : " channels",
                           ", and the network takes images of ", channels);
  const auto convert = [&]<class T>(T) {
    widens ? detail::gray_to_rgb<T>(picture) : detail::rgb_to_gray<T>(picture);
  };
  if (picture.type == sample_type::uint8) convert(std::uint8_t{});
  if (picture.type == sample_type::uint16) convert(std::uint16_t{});
  if (picture.type == sample_type::float32) convert(float{});
}

}  // namespace pretext::inline v0_1
