// pretrain mae: MAE, whose vision transformer sees a quarter of the patches of each image and predicts the
// others.
//   pretrain mae --data builtin --out out/run
//   pretrain mae --data photos/ --encoder vit-base --image-size 224 --batch 256 --epochs 800
//                --preset paper --out out/photos
//     with "vit-base@224" in CMake's list PRETEXT_ENCODERS
// The defaults suit a few minutes on a few cores; --preset paper sets He et al.'s learning rate and warm-up.
#pragma once
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <pretext/pretext.hpp>
#include <pretext/runtime/masked_trainer_adapter.hpp>

#include "support/choices.hpp"
#include "support/encoder_list.hpp"
#include "support/method_info.hpp"
#include "support/presets.hpp"
#include "support/recipe.hpp"
#include "support/reconstructions.hpp"

namespace programs {

struct mae_options {
  double mask_ratio = 0.75;
  bool normalise_pixels = true;

  std::vector<field> fields(recipe& common) {
    return {{"mask_ratio", &mask_ratio, "--mask-ratio", "fraction of the patches that is masked",
             range{.min = 0, .max = 1, .above_min = true, .below_max = true}},
            {"normalise_pixels", &normalise_pixels, "--normalise-pixels,!--no-normalise-pixels",
             "predict each patch normalised by its own mean and variance"},
            preset_field(common)};
  }
};

struct mae {
  using product = pretext::any_trainer;
  using arguments = recipe_of<mae_options>;

  static method_info info() {
    return {.name = "mae",
            .title = "MAE",
            .paper = "He et al. 2022",
            .loss = "squared error of masked patches",
            .description = "Pretrains a vision transformer with MAE (He et al. 2022), without labels.",
            .pairs_views = false};
  }
  static std::string encoders() { return names_of(vits<>); }
  static void set_defaults(arguments& config) { suit_vision_transformer(config); }
  /// Pictures for the report, besides the augmented views.
  static void add_pictures(pretext::any_trainer& trainer, const arguments& config, const datasets& data,
                           std::vector<pretext::image_sheet>& sheets) {
    add_reconstructions(trainer, config, config.options.normalise_pixels, data, sheets);
  }

  /// The paper's decoder for images of more than 32 pixels. Smaller images have the small decoders that
  /// published code uses for them: four blocks as wide as a ViT-Ti, or two for a narrower encoder.
  template <std::size_t Size, std::size_t Width>
  using decoder_for = std::conditional_t<
      (Size > 32), pretext::mae_decoder<>,
      std::conditional_t<(Width < 192), pretext::mae_decoder<96, 2, 3>, pretext::mae_decoder<192, 4, 3>>>;

  template <class Device>
  static std::unique_ptr<product> make(const arguments& config, const typename Device::stream& stream) {
    using namespace pretext;
    expects(config.options.mask_ratio == 0.75, "a mask ratio of ", config.options.mask_ratio,
            " was not compiled into this program; it has 0.75. The ratio is a type, so that shapes are known "
            "at compile time: name another std::ratio in examples/methods/mae.hpp");
    return make_for_encoder<product>(
        vits<>, config,
        [&]<class Encoder, std::size_t Size, std::size_t Channels>(
            const compiled_encoder<Encoder, Size, Channels>&) {
          using method =
              pretext::mae<shape<Size, Size, Channels>, Encoder, decoder_for<Size, Encoder::width>>;
          using learner = trainer<method, on<Device>, optimizer>;
          const auto view = make_mae_view<shape<Size, Size, Channels>>(views_of(config),
                                                                       make_normalisation<Channels>(config));
          const auto evaluation = make_evaluation<Size, Channels>(config);
          return std::make_unique<masked_trainer_adapter<learner, std::decay_t<decltype(view)>,
                                                         std::decay_t<decltype(evaluation)>>>(
              std::make_unique<learner>(method{.loss = {.normalise = config.options.normalise_pixels}},
                                        make_optimizer(config), config.seed, stream),
              view, evaluation);
        });
  }
};

}  // namespace programs
