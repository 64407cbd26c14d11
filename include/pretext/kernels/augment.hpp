#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext {

/// Anything with `height`, `width`, `channels` and, channels last, `pixels`: a pointer or a container of
/// 8-bit numbers, or of floating ones in [0, 1].
template <class Image>
concept ImageSource = requires(const Image image) {
  { image.height } -> std::convertible_to<std::size_t>;
  { image.width } -> std::convertible_to<std::size_t>;
  { image.channels } -> std::convertible_to<std::size_t>;
  { image.pixels[0] } -> std::convertible_to<float>;
};

/// The first number of an image.
template <ImageSource Image>
const auto* pixels_of(const Image& image) {
  if constexpr (std::is_pointer_v<decltype(image.pixels)>)
    return image.pixels;
  else
    return image.pixels.data();
}

/// An image in a device's memory, channels last.
template <class Pixel>
struct stored_image {
  const Pixel* pixels;
  std::size_t height, width, channels;
};

/// A batch chosen among images of one size that lie in the device's memory, (n, height, width, channels) of 8
/// bits: `samples`, which lie there too, say which they are.
struct indexed_images {
  const std::uint8_t* pixels = nullptr;
  std::size_t height = 0, width = 0, channels = 0;
  const std::uint64_t* samples = nullptr;
  std::size_t count = 0;

  PRETEXT_HOST_DEVICE constexpr std::size_t size() const { return count; }
  PRETEXT_HOST_DEVICE constexpr stored_image<std::uint8_t> operator[](std::size_t i) const {
    return {pixels + samples[i] * height * width * channels, height, width, channels};
  }
};

}  // namespace pretext

namespace pretext::kernels {

/// Makes the views of a batch: view v of image i goes to out[v · n + i], channels last. `images` is any range
/// with size() and []; of images on the device, the chosen ones, the epoch may be there, too.
///   void run(place, views, images, samples, seed, epoch, tensor_view<T, shape<H, W, 3>> out)
///   void run(place, views, const indexed_images&, seed, device_scalar epoch, tensor_view<T, shape<H, W, 3>>
///   out)
template <class Device>
struct augment : missing<Device> {};

}  // namespace pretext::kernels
