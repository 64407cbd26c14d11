#pragma once
#include <memory>
#include <type_traits>

#include <pretext/pretext.hpp>

#include "choices.hpp"
#include "encoder_list.hpp"
#include "trainers.hpp"

namespace programs {

/// One view: SimCLR's transformations with torchvision's formulas; blur is for images above 32 pixels (App.
/// B.9).
template <std::size_t Size>
auto make_simclr_view(const recipe& asked) {
  using namespace pretext;
  const auto s = static_cast<float>(asked.jitter);
  return augmentation{
      random_resized_crop<torchvision_crop_box>{.area = {static_cast<float>(asked.minimum_area), 1},
                                                .method = interpolation::bilinear},
      horizontal_flip{},
      torchvision_jitter{.brightness = .8f * s, .contrast = .8f * s, .saturation = .8f * s, .hue = .2f * s},
      grayscale{},
      gaussian_blur{.probability = Size > 32 ? .5f : 0.f},
      make_normalisation(asked)};
}

/// A trainer on a device: simclr.cpp makes the CPU's, gpu/simclr.cu the GPU's.
template <class Device>
std::unique_ptr<pretext::any_trainer> make_simclr_on(const recipe& asked,
                                                     const typename Device::stream& stream) {
  using namespace pretext;
  return make_chosen<std::unique_ptr<any_trainer>>(
      resnets, asked, [&]<class Encoder, std::size_t Size>(const compiled<Encoder, Size>& choice) {
        // Torch's start for the head: N(0, 0.01) is meant for LARS, and under batch norm it multiplies SGD's
        // effective rate.
        using head = simclr_head<std::decay_t<decltype(choice)>::feature, 128, affine::scale, torch_init>;
        using method = simclr<shape<Size, Size, 3>, Encoder, head>;
        return erase(std::make_unique<trainer<method, on<Device>, optimizer>>(
                         method{.loss = {.temperature = asked.temperature}}, make_optimizer(asked),
                         asked.seed, stream),
                     two_views{make_simclr_view<Size>(asked)}, make_evaluation<Size>(asked));
      });
}

}  // namespace programs
