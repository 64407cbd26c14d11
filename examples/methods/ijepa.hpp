// pretrain ijepa: I-JEPA, whose vision transformer sees a block of each image and predicts the features of
// four other blocks.
//   pretrain ijepa --data builtin --out out/run
#pragma once
#include <cstddef>
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

struct ijepa_options {
  std::vector<field> fields(recipe& common) {
    return {{"target_momentum", &common.target_momentum, "--target-momentum",
             "EMA decay of the target at the first step; it rises to 1", between{0, 1}},
            preset_field(common)};
  }
};

struct ijepa {
  using product = pretext::any_trainer;
  using arguments = recipe_of<ijepa_options>;

  static method_info info() {
    return {
        .name = "ijepa",
        .title = "I-JEPA",
        .paper = "Assran et al. 2023",
        .loss = "smooth L1 distance of features",
        .description =
            "Pretrains a vision transformer with I-JEPA (Assran et al. 2023), without labels: it predicts "
            "features of blocks of an image from another block.",
        .pairs_views = false};
  }
  static std::string encoders() { return names_of(vits<pretext::ijepa_pretraining>); }
  static void set_defaults(arguments& config) {
    suit_vision_transformer(config);
    config.target_momentum = 0.996;
  }

  /// The paper's predictor for images of more than 96 pixels, else one of half the encoder's width.
  template <std::size_t Size, class Encoder>
  using predictor_for = std::conditional_t<(Size > 96), pretext::ijepa_predictor<>,
                                           pretext::ijepa_predictor<Encoder::width / 2, 6, Encoder::heads>>;

  template <class Device>
  static std::unique_ptr<product> make(const arguments& config, const typename Device::stream& stream) {
    using namespace pretext;
    return make_for_encoder<product>(
        vits<ijepa_pretraining>, config,
        [&]<class Encoder, std::size_t Size, std::size_t Channels>(
            const compiled_encoder<Encoder, Size, Channels>&) {
          using images = shape<Size, Size, Channels>;
          using method = pretext::ijepa<images, Encoder, predictor_for<Size, Encoder>>;
          auto learner = std::make_unique<trainer<method, on<Device>, optimizer>>(
              method{}, make_optimizer(config), config.seed, stream);
          view_preset crops = views_of(config);
          crops.flip = false;  // as in the official code
          return make_any_trainer(std::move(learner),
                                  make_mae_view<images>(crops, make_normalisation<Channels>(config)),
                                  make_evaluation<Size, Channels>(config));
        });
  }
};

}  // namespace programs
