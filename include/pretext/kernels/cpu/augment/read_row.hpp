// SPDX-License-Identifier: MIT
#pragma once
// Reads rows of an image as floats, whatever the type and the strides of its samples.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pretext/core/image.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// Samples that need no alignment.
template <class T>
struct unaligned_samples {
  const std::uint8_t* bytes;

  float operator[](std::size_t i) const {
    T value;
    std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
    return static_cast<float>(value);
  }
};

/// Reads `count` contiguous samples from element `from` on, as floats minus `low`.
template <class Samples>
void read_samples(const Samples& samples, std::size_t from, std::size_t count, float low, float* to) {
  vectorised([&] {
    float* __restrict const out = to;
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(samples[from + i]) - low;
  });
}

/// Reads `count` pixels of a row of a contiguous image, from element `from` on, as `Channels` floats each
/// minus `low`. An image of one channel is read as `Channels` equal ones.
template <std::size_t Channels, class Samples>
void read_row(const Samples& samples, std::size_t channels, std::size_t from, std::size_t count, float low,
              float* to) {
  // One channel is read into the last part of `to`, which is overwritten from the first pixel on.
  const bool repeated = channels != Channels;
  float* const single = to + (Channels - 1) * count;
  read_samples(samples, from, repeated ? count : Channels * count, low, repeated ? single : to);
  for (std::size_t x = 0; repeated && x < count; ++x) {
    const float value = single[x];
    for (std::size_t c = 0; c < Channels; ++c) to[Channels * x + c] = value;
  }
}

/// The same of samples of type T with any strides, from the byte at `first` on.
template <std::size_t Channels, class T>
void read_strided_row(const std::uint8_t* first, image_strides strides, std::size_t channels,
                      std::size_t count, float low, float* __restrict to) {
  const std::ptrdiff_t next_channel = channels == Channels ? strides.channel : 0;
  for (std::size_t x = 0; x < count; ++x, first += strides.pixel)
    for (std::size_t c = 0; c < Channels; ++c) {
      T value;
      std::memcpy(&value, first + static_cast<std::ptrdiff_t>(c) * next_channel, sizeof value);
      to[Channels * x + c] = static_cast<float>(value) - low;
    }
}

/// The same of an image with samples of any type and any strides.
template <std::size_t Channels>
void read_any_row(const image_view& image, std::size_t row, std::size_t column, std::size_t count, float low,
                  float* to) {
  const image_strides& strides = image.strides;
  const auto read_as = [&]<class T>(T) {
    if (image.is_contiguous())
      return read_row<Channels>(unaligned_samples<T>{image.pixels}, image.channels,
                                (row * image.width + column) * image.channels, count, low, to);
    const std::uint8_t* const first = image.pixels + static_cast<std::ptrdiff_t>(row) * strides.row +
                                      static_cast<std::ptrdiff_t>(column) * strides.pixel;
    read_strided_row<Channels, T>(first, strides, image.channels, count, low, to);
  };
  switch (image.type) {
    case sample_type::uint8:
      return read_as(std::uint8_t{});
    case sample_type::uint16:
      return read_as(std::uint16_t{});
    case sample_type::float32:
      return read_as(float{});
  }
}

}  // namespace pretext::inline v0_1::kernels::detail
