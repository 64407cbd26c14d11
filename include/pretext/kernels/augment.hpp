// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <pretext/core/device_scalar.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/image.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1 {

/// Any type with `height`, `width`, `channels` and channels-last `pixels`, which are a pointer or a container
/// of values of 8 or 16 bits, or of floating-point values in [0, 1]; or an `image` or `image_view`, whose
/// samples have any type.
template <class Image>
concept ImageSource = requires(const Image image) {
  { image.height } -> std::convertible_to<std::size_t>;
  { image.width } -> std::convertible_to<std::size_t>;
  { image.channels } -> std::convertible_to<std::size_t>;
  { image.pixels[0] } -> std::convertible_to<float>;
};

/// An image whose `pixels` are the bytes of samples of the type `type`, which a view maps by `range`.
template <class Image>
concept TypedImage = ImageSource<Image> && requires(const Image image) {
  { image.type } -> std::convertible_to<sample_type>;
  { image.range } -> std::convertible_to<sample_range>;
  { image.pixels[0] } -> std::same_as<const std::uint8_t&>;
};

/// A typed image whose samples may be anywhere.
template <class Image>
concept StridedImage = TypedImage<Image> && requires(const Image image) {
  { image.strides } -> std::convertible_to<image_strides>;
};

/// A pointer to the first value of an image.
template <ImageSource Image>
const auto* pixels_of(const Image& image) {
  if constexpr (std::is_pointer_v<decltype(image.pixels)>)
    return image.pixels;
  else
    return image.pixels.data();
}

namespace detail {
/// The type of the values of an image that does not state it.
template <class T>
inline constexpr sample_type plain_sample_type = !std::is_integral_v<T> ? sample_type::float32
                                                 : sizeof(T) == 1       ? sample_type::uint8
                                                                        : sample_type::uint16;
}  // namespace detail

/// The type of an image's samples and the range that views map to [0, 1].
struct sample_format {
  sample_type type;
  sample_range range;
};
/// What an image says about its samples; those of one that does not are integers with their whole range, or
/// in [0, 1].
template <ImageSource Image>
constexpr sample_format samples_of(const Image& image) {
  if constexpr (TypedImage<Image>)
    return {image.type, image.range};
  else
    return {detail::plain_sample_type<std::remove_cvref_t<decltype(image.pixels[0])>>, {}};
}

/// An image in a device's memory, channels last. `pixels` are the bytes of its samples, each at a multiple of
/// its size.
struct stored_image {
  const std::uint8_t* pixels;
  std::size_t height, width, channels;
  sample_type type = sample_type::uint8;
  sample_range range{};
};

/// A batch selected from images of one size, (n, height, width, channels) of 8 bits, by the indices
/// `samples`. Both are in the device's memory; neither is owned.
struct indexed_images {
  const std::uint8_t* pixels = nullptr;
  std::size_t height = 0, width = 0, channels = 0;
  const std::uint64_t* samples = nullptr;
  std::size_t count = 0;

  PRETEXT_HOST_DEVICE constexpr std::size_t size() const { return count; }
  PRETEXT_HOST_DEVICE constexpr stored_image operator[](std::size_t i) const {
    return {pixels + samples[i] * height * width * channels, height, width, channels};
  }
};

}  // namespace pretext::inline v0_1

namespace pretext::inline v0_1::kernels {

namespace detail {
/// The number of a set's first view in the keys of random numbers: its `first_view`, or else 0.
template <class Views>
inline constexpr std::uint32_t first_view = 0;
template <class Views>
  requires requires { Views::first_view; }
inline constexpr std::uint32_t first_view<Views> = Views::first_view;
}  // namespace detail

/// Computes the augmented views of a batch: view v of image i becomes out[v·n + i], channels-last. The values
/// drawn for it depend on (seed, epoch, sample, v) alone. Every device computes the same views up to
/// rounding, because the arithmetic of a pixel is shared (kernels/image/).
///
/// `Views` has `views`, a count, and `view<V>()`, a pipeline of augmentations (augment/augmentation.hpp): its
/// `choose(key, source, extent)` draws, `map_to_source` is the geometric part, `apply` the rest.
template <class Device>
struct augment : missing<Device> {};

namespace detail {
/// Stands for any views in the concept below.
struct any_views {
  static constexpr std::size_t views = 0;
};
}  // namespace detail

/// The calls that a device's `augment` accepts.
template <class Context, class Views = detail::any_views, class T = activation_of<Context>,
          class Kernel = augment<device_of<Context>>>
concept AugmentKernel = requires(Context& context, const Views& views, std::span<const image_view> images,
                                 const indexed_images& chosen, std::span<const std::uint64_t> samples,
                                 std::uint64_t seed, std::uint32_t epoch,
                                 device_scalar<std::uint32_t> epoch_on_device,
                                 tensor_view<T, shape<32, 32, 3>> out) {
  // Images in the host's memory: any range of `ImageSource` with size() and [].
  Kernel::run(context, views, images, samples, seed, epoch, out);
  // Images, samples and, if it is not a value, the epoch in the device's memory.
  Kernel::run(context, views, chosen, seed, epoch_on_device, out);
};

}  // namespace pretext::inline v0_1::kernels
