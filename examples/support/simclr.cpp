#include <pretext/cpu.hpp>

#include "choices.hpp"
#include "encoder_list.hpp"
#include "trainers.hpp"

namespace programs {
namespace {

using namespace pretext;

/// One view: SimCLR's transformations with torchvision's formulas; blur is for images above 32 pixels (App.
/// B.9).
template <std::size_t Size>
auto make_view(const recipe& asked) {
  const auto s = static_cast<float>(asked.jitter);
  return augmentation{
      random_resized_crop<retried_box>{.area = {static_cast<float>(asked.minimum_area), 1},
                                       .method = interpolation::bilinear},
      horizontal_flip{},
      torchvision_jitter{.brightness = .8f * s, .contrast = .8f * s, .saturation = .8f * s, .hue = .2f * s},
      grayscale{},
      gaussian_blur{.probability = Size > 32 ? .5f : 0.f},
      make_normalisation(asked)};
}

}  // namespace

std::string simclr_encoders() { return names_of(resnets); }

std::unique_ptr<any_trainer> make_simclr(const recipe& asked, std::size_t threads) {
  return make_chosen<std::unique_ptr<any_trainer>>(
      resnets, asked, [&]<class Encoder, std::size_t Size>(const compiled<Encoder, Size>& choice) {
        // Torch's start for the head: N(0, 0.01) is meant for LARS, and under batch norm it multiplies SGD's
        // effective rate.
        using head = simclr_head<std::decay_t<decltype(choice)>::feature, 128, affine::scale, torch_default>;
        using method = simclr<shape<Size, Size, 3>, Encoder, head>;
        return erase(std::make_unique<trainer<method, on<cpu>, optimizer>>(
                         method{.compare = {.temperature = asked.temperature}}, make_optimizer(asked),
                         asked.seed, cpu::stream{threads}),
                     two_views{make_view<Size>(asked)}, make_evaluation<Size>(asked));
      });
}

}  // namespace programs
