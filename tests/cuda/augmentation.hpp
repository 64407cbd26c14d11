#pragma once
// The augmentation kernel compared with the CPU's.
#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include <pretext/augment/presets.hpp>
#include <pretext/kernels/gpu/operations.hpp>
#include <pretext/recipes/presets.hpp>

#include "device_pair.hpp"

namespace pretext::tests {

/// A test image with edges and colors, of any size and pixel type.
template <class Pixel>
struct picture {
  std::size_t height, width, channels;
  std::vector<Pixel> pixels;

  picture(std::size_t rows, std::size_t columns, std::size_t depth, unsigned seed)
      : height{rows}, width{columns}, channels{depth}, pixels(rows * columns * depth) {
    std::mt19937 random{seed};
    const auto below = [&](unsigned count) { return static_cast<unsigned>(random() % count); };
    const unsigned across = 3 + below(5), down = 2 + below(7);
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const std::size_t x = i / depth % columns, y = i / depth / columns;
      const auto level =
          static_cast<unsigned>(x * across * 31 / columns + y * down * 47 / rows + i % depth * 80);
      const unsigned noisy = (level + below(16)) % 256;
      pixels[i] = std::is_integral_v<Pixel> ? static_cast<Pixel>(noisy)
                                            : static_cast<Pixel>(static_cast<float>(noisy) / 255);
    }
  }
};

template <class Device, std::size_t H, std::size_t W, class Numerics = fp32, std::size_t Channels = 3,
          class Views, class Image>
void same_views(const Views& views, const std::vector<Image>& pictures, tolerance within = 2e-5) {
  std::vector<std::uint64_t> samples;
  for (std::size_t i = 0; i < pictures.size(); ++i) samples.push_back(3 + 11 * i);
  for (std::uint32_t epoch = 0; epoch < 3; ++epoch)
    same_on_both<Device, Numerics>(within, [&]<class Context>(workbench<Context>& at) {
      using images = shape<H, W, Channels>;
      const std::size_t batch = Views::views * pictures.size();
      augment(at.context, views, pictures, samples, 7, epoch,
              tensor_view<typename Context::activation, images>{at.out(batch * images::size), batch});
    });
}

template <class Pixel>
std::vector<picture<Pixel>> pictures_of(std::size_t height, std::size_t width) {
  std::vector<picture<Pixel>> all;
  for (unsigned i = 0; i < 5; ++i) all.emplace_back(height + 3 * i, width - 2 * i, i == 3 ? 1 : 3, i);
  return all;
}

template <class Device>
void augmentations() {
  const auto small = pictures_of<std::uint8_t>(32, 32), large = pictures_of<std::uint8_t>(70, 90);
  same_views<Device, 32, 32>(two_views{simclr_cifar()}, small);
  same_views<Device, 32, 32, bf16>(two_views{simclr_cifar()}, small, {2e-5, 0x1p-8});
  same_views<Device, 16, 24>(two_views{simclr_imagenet<multiplicative_brightness>()}, large);
  same_views<Device, 24, 24>(byol_views(), large);
  same_views<Device, 24, 24>(mae_augmentation(), large);
  same_views<Device, 24, 24>(mae_fine_tuning_augmentation(1), large, 1e-3);
  same_views<Device, 32, 32>(mae_evaluation(36), large);
  same_views<Device, 28, 28>(evaluation_crop(), pictures_of<float>(40, 30));
  same_views<Device, 32, 32>(whole_image(), small);
  same_views<Device, 24, 24>(make_byol_views<shape<24, 24, 3>>(byol_for(image_kind::inspection).views),
                             large);
  same_views<Device, 72, 72>(
      augmentation{random_resized_crop<>{.method = interpolation::bilinear},
                   gaussian_blur{.probability = 1, .taps = 9, .border = padding::reflect}},
      large);  // planes too large for shared memory
  // Sides that neither the columns nor the rows of a tile divide; the image is larger than the view, or
  // smaller.
  const auto blurred = augmentation{
      random_resized_crop<torchvision_crop_box>{.area = {.2f, 1}, .method = interpolation::bicubic_antialias},
      horizontal_flip{}, color_jitter<>{.probability = 1}, gaussian_blur{.probability = 1, .taps = 21}};
  same_views<Device, 53, 75>(blurred, pictures_of<std::uint8_t>(190, 131));
  same_views<Device, 101, 37>(blurred, small);
  same_views<Device, 224, 224>(simclr_imagenet<multiplicative_brightness>(),
                               std::vector{picture<std::uint8_t>{256, 256, 3, 1}});
}

/// Images of 5 channels whose samples have 16 bits or are floats, each with a range of its own.
inline std::vector<image> spectral_pictures() {
  std::vector<image> all(3);
  for (unsigned i = 0; i < all.size(); ++i) {
    const picture<std::uint8_t> from{41, 35, 5, i};
    if (i < 2)
      std::ranges::transform(from.pixels, all[i].resize<std::uint16_t>(41, 35, 5).begin(),
                             [](auto x) { return static_cast<std::uint16_t>(200 * x + 11); });
    else
      std::ranges::transform(from.pixels, all[i].resize<float>(41, 35, 5).begin(),
                             [](auto x) { return static_cast<float>(x) * .5f - 20; });
    if (i > 0) all[i].range = {5, 90};
  }
  return all;
}

/// Views of five channels and of one.
template <class Device>
void other_channels() {
  same_views<Device, 20, 20, fp32, 5>(two_views{simclr_any_channels()}, spectral_pictures());
  same_views<Device, 16, 16, fp32, 5>(
      augmentation{random_resized_crop<>{}, basic_normalise<5>{}, random_erasing{.probability = 1}},
      spectral_pictures());
  same_views<Device, 40, 45, fp32, 5>(
      augmentation{random_resized_crop<>{}, gaussian_blur{.probability = 1, .taps = 7}}, spectral_pictures(),
      5e-4);
  std::vector<picture<std::uint8_t>> gray;
  for (unsigned i = 0; i < 3; ++i) gray.emplace_back(30, 30 + i, 1, i);
  same_views<Device, 20, 20, fp32, 1>(two_views{simclr_any_channels()}, gray);
}

/// All operations of RandAugment in one view.
template <class Device>
void photometric_operations() {
  same_views<Device, 20, 20>(augmentation{rand_augment{.layers = 4, .probability = 1}},
                             pictures_of<std::uint8_t>(40, 60), 1e-3);
}

}  // namespace pretext::tests
