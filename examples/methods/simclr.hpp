// pretrain_simclr: pretrains an encoder with SimCLR on images without labels.
//   pretrain_simclr --data builtin --out out/run
//   pretrain_simclr --data photos/ --encoder resnet18 --image-size 96 --epochs 100 --out out/photos
// Writes to --out: recipe.json, metrics.csv, checkpoint.safetensors (everything a resume needs),
// encoder.safetensors.
#pragma once
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <pretext/pretext.hpp>
#include <pretext/runtime/any_trainer.hpp>

#include "support/choices.hpp"
#include "support/encoder_list.hpp"
#include "support/method_info.hpp"
#include "support/recipe.hpp"

namespace programs {

struct simclr_options {
  double temperature = 0.2;
  double jitter = 0.5;

  std::vector<field> fields(recipe&) {
    return {{"temperature", &temperature, "--temperature", "temperature of NT-Xent", positive{}},
            {"jitter", &jitter, "--jitter", "strength s of the color jitter", non_negative{}}};
  }
};

struct simclr {
  using product = pretext::any_trainer;
  using arguments = recipe_of<simclr_options>;

  static method_info info() {
    return {.name = "simclr",
            .title = "SimCLR",
            .paper = "Chen et al. 2020",
            .loss = "NT-Xent",
            .description = "Pretrains an image encoder with SimCLR (Chen et al. 2020), without labels."};
  }
  static std::string encoders() { return names_of(resnets); }

  /// One view: SimCLR's transformations with torchvision's formulas. Blur is for images of more than 32
  /// pixels (App. B.9).
  template <std::size_t Size, std::size_t Channels>
  static auto make_view(const arguments& config) {
    using namespace pretext;
    const auto s = static_cast<float>(config.options.jitter);
    return augmentation{
        random_resized_crop<torchvision_crop_box>{.area = {static_cast<float>(config.minimum_area), 1},
                                                  .method = interpolation::bilinear},
        horizontal_flip{},
        make_jitter<Channels>(.8f * s, .8f * s, .2f * s),
        make_gray_or_noise<Channels>(),
        gaussian_blur{.probability = Size > 32 ? .5f : 0.f},
        make_normalisation<Channels>(config)};
  }

  template <class Device>
  static std::unique_ptr<product> make(const arguments& config, const typename Device::stream& stream) {
    using namespace pretext;
    return make_for_encoder<product>(
        resnets, config,
        [&]<class Encoder, std::size_t Size, std::size_t Channels>(
            const compiled_encoder<Encoder, Size, Channels>& choice) {
          // The head starts with torch's default: N(0, 0.01) is meant for LARS, and under batch norm it
          // multiplies SGD's effective rate.
          using head = simclr_head<std::decay_t<decltype(choice)>::feature, 128, affine::scale, torch_init>;
          using method = pretext::simclr<shape<Size, Size, Channels>, Encoder, head>;
          return make_any_trainer(std::make_unique<trainer<method, on<Device>, optimizer>>(
                                      method{.loss = {.temperature = config.options.temperature}},
                                      make_optimizer(config), config.seed, stream),
                                  two_views{make_view<Size, Channels>(config)},
                                  make_evaluation<Size, Channels>(config));
        });
  }
};

}  // namespace programs
