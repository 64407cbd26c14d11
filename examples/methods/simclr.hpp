// pretrain simclr: SimCLR, which tells views of one image from views of others.
//   pretrain simclr --data builtin --out out/run
//   pretrain simclr --data photos/ --encoder resnet18 --image-size 96 --epochs 100 --out out/photos
//     with "resnet18@96" in CMake's list PRETEXT_ENCODERS
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
#include "support/presets.hpp"
#include "support/recipe.hpp"

namespace programs {

struct simclr_options {
  double temperature = 0.2;
  double jitter = 0.5;
  std::string initialisation = "torch";
  double blur = 1;
  double color = 1;

  std::vector<field> fields(recipe& common) {
    return {{"temperature", &temperature, "--temperature", "temperature of NT-Xent", positive{}},
            {"jitter", &jitter, "--jitter", "strength s of the color jitter", non_negative{}},
            {"initialisation", &initialisation, "--initialisation",
             "of the projection head: \"torch\", or \"official\": N(0, 0.01), for LARS",
             one_of{{"torch", "official"}}},
            {"blur", &blur, "--blur",
             "factor of the probability of blur, which views of more than 32 pixels have; 0: none",
             between{0, 1}, "1"},
            {"color", &color, "--color",
             "factor of saturation, hue and the probability of gray views; 0: colours keep their meaning",
             between{0, 1}, "1"},
            preset_field(common)};
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
  static std::string encoders() { return names_of(convolutional); }

  template <class Device>
  static std::unique_ptr<product> make(const arguments& config, const typename Device::stream& stream) {
    using namespace pretext;
    return make_for_encoder<product>(
        convolutional, config,
        [&]<class Encoder, std::size_t Size, std::size_t Channels>(
            const compiled_encoder<Encoder, Size, Channels>& choice) {
          constexpr std::size_t width = std::decay_t<decltype(choice)>::feature;
          using images = shape<Size, Size, Channels>;
          using method = pretext::simclr<images, Encoder, simclr_head<width, 128, affine::scale, torch_init>>;
          auto result = std::make_unique<trainer<method, on<Device>, optimizer>>(
              method{.loss = {.temperature = config.options.temperature}}, make_optimizer(config),
              config.seed, stream);
          if (config.options.initialisation == "official")
            result->start(pretext::simclr<images, Encoder, simclr_head<width>>::parameters, config.seed,
                          config.seed);
          return make_any_trainer(std::move(result),
                                  make_simclr_views<images>(views_of(config, {.jitter = config.options.jitter,
                                                                              .blur = config.options.blur,
                                                                              .color = config.options.color}),
                                                            make_normalisation<Channels>(config)),
                                  make_evaluation<Size, Channels>(config));
        });
  }
};

}  // namespace programs
