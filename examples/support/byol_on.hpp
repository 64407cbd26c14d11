#pragma once
#include <algorithm>
#include <memory>
#include <type_traits>

#include <pretext/pretext.hpp>

#include "choices.hpp"
#include "encoder_list.hpp"
#include "trainers.hpp"

namespace programs {

/// One of BYOL's two views (App. B, Table 6), with torchvision's formulas; strength ½ is the paper's. Images
/// of at most 32 pixels are not blurred: three taps are all that is left of the kernel.
template <std::size_t Size>
auto make_byol_view(const recipe& asked, float blurred, float solarized) {
  using namespace pretext;
  const auto s = static_cast<float>(asked.jitter);
  return augmentation{
      random_resized_crop<torchvision_crop_box>{.area = {static_cast<float>(asked.minimum_area), 1},
                                                .method = interpolation::bilinear},
      horizontal_flip{},
      torchvision_jitter{.brightness = .8f * s, .contrast = .8f * s, .saturation = .4f * s, .hue = .2f * s},
      grayscale{},
      gaussian_blur{.probability = Size > 32 ? blurred : 0.f},
      solarize{.probability = solarized},
      make_normalisation(asked)};
}

/// A trainer on a device: byol.cpp makes the CPU's, gpu/byol.cu the GPU's.
template <class Device>
std::unique_ptr<pretext::any_trainer> make_byol_on(const recipe& asked,
                                                   const typename Device::stream& stream) {
  using namespace pretext;
  return make_chosen<std::unique_ptr<any_trainer>>(
      resnets, asked, [&]<class Encoder, std::size_t Size>(const compiled<Encoder, Size>& choice) {
        // Twice as wide as the feature and at most 256 out: 4096 and 256 for ResNet-50, as in the paper.
        constexpr std::size_t width = std::decay_t<decltype(choice)>::feature;
        using method =
            byol<shape<Size, Size, 3>, Encoder, byol_head<2 * width, std::min(width, std::size_t{256})>>;
        auto made = std::make_unique<trainer<method, on<Device>, optimizer>>(
            method{}, make_optimizer(asked, lars_variant::byol), asked.seed, stream);
        if (asked.initialisation == "official") {
          static constexpr auto table = haiku_init(method::parameters);
          made->start(table, asked.seed, asked.seed + (std::uint64_t{1} << 63));
        }
        return erase(std::move(made),
                     two_views{make_byol_view<Size>(asked, 1, 0), make_byol_view<Size>(asked, .1f, .2f)},
                     make_evaluation<Size>(asked));
      });
}

}  // namespace programs
