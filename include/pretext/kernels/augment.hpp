#pragma once
#include <concepts>
#include <cstddef>
#include <type_traits>

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

}  // namespace pretext

namespace pretext::kernels {

/// Makes the views of a batch: view v of image i goes to out[v · n + i], channels last. `images` is any range
/// with size() and [].
///   void run(place, views, images, samples, seed, epoch, tensor_view<T, shape<H, W, 3>> out)
template <class Device>
struct augment : missing<Device> {};

}  // namespace pretext::kernels
