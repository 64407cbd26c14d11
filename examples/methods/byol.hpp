// pretrain byol: BYOL, which needs no negatives.
//   pretrain byol --data builtin --out out/run
//   pretrain byol --data photos/ --encoder resnet18 --image-size 96 --epochs 100 --out out/photos
//     with "resnet18@96" in CMake's list PRETEXT_ENCODERS
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <pretext/pretext.hpp>
#include <pretext/runtime/any_trainer.hpp>

#include "support/choices.hpp"
#include "support/encoder_list.hpp"
#include "support/method_info.hpp"
#include "support/presets.hpp"
#include "support/recipe.hpp"

namespace programs {

struct byol_options {
  std::string initialisation = "torch";
  double jitter = 0.5;
  double blur = 1;
  double color = 1;

  std::vector<field> fields(recipe& common) {
    return {
        {"target_momentum", &common.target_momentum, "--target-momentum",
         "EMA decay of the target at the first step; it rises to 1", between{0, 1}},
        {"initialisation", &initialisation, "--initialisation",
         "\"torch\", or \"official\": Haiku's, with another seed for the target",
         one_of{{"torch", "official"}}},
        {"jitter", &jitter, "--jitter", "strength of the color jitter; 0.5 is the paper's", non_negative{}},
        {"blur", &blur, "--blur",
         "factor of the probability of blur, which views of more than 32 pixels have; 0: none", between{0, 1},
         "1"},
        {"color", &color, "--color",
         "factor of saturation, hue and the probability of gray views; 0: colours keep their meaning",
         between{0, 1}, "1"},
        preset_field(common)};
  }
};

struct byol {
  using product = pretext::any_trainer;
  using arguments = recipe_of<byol_options>;

  static method_info info() {
    return {.name = "byol",
            .title = "BYOL",
            .paper = "Grill et al. 2020",
            .loss = "2 - 2 cos, both directions",
            .description =
                "Pretrains an image encoder with BYOL (Grill et al. 2020), without labels or negatives."};
  }
  static std::string encoders() { return names_of(convolutional); }
  static void set_defaults(arguments& config) { config.target_momentum = 0.99; }

  template <class Device>
  static std::unique_ptr<product> make(const arguments& config, const typename Device::stream& stream) {
    using namespace pretext;
    return make_for_encoder<product>(
        convolutional, config,
        [&]<class Encoder, std::size_t Size, std::size_t Channels>(
            const compiled_encoder<Encoder, Size, Channels>& choice) {
          // The head is twice as wide as the feature and has at most 256 outputs: 4096 and 256 for a
          // ResNet-50, as in the paper.
          constexpr std::size_t width = std::decay_t<decltype(choice)>::feature;
          using head = byol_head<2 * width, std::min(width, std::size_t{256})>;
          using method = pretext::byol<shape<Size, Size, Channels>, Encoder, head>;
          auto result = std::make_unique<trainer<method, on<Device>, optimizer>>(
              method{}, make_optimizer(config, lars_variant::byol), config.seed, stream);
          if (config.options.initialisation == "official") {
            static constexpr auto table = haiku_init(method::parameters);
            result->start(table, config.seed, config.seed + (std::uint64_t{1} << 63));
          }
          return make_any_trainer(
              std::move(result),
              make_byol_views<shape<Size, Size, Channels>>(views_of(config, {.jitter = config.options.jitter,
                                                                             .blur = config.options.blur,
                                                                             .color = config.options.color}),
                                                           make_normalisation<Channels>(config)),
              make_evaluation<Size, Channels>(config));
        });
  }
};

}  // namespace programs
