// pretrain simmim: SimMIM, whose vision transformer sees a learned token in place of masked blocks and
// predicts their pixels with one linear layer.
//   pretrain simmim --data builtin --out out/run
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

struct simmim_options {
  std::vector<field> fields(recipe& common) { return {preset_field(common)}; }
};

struct simmim {
  using product = pretext::any_trainer;
  using arguments = recipe_of<simmim_options>;

  static method_info info() {
    return {.name = "simmim",
            .title = "SimMIM",
            .paper = "Xie et al. 2022",
            .loss = "absolute error of masked pixels",
            .description = "Pretrains a vision transformer with SimMIM (Xie et al. 2022), without labels.",
            .pairs_views = false};
  }
  static std::string encoders() { return names_of(vits<pretext::simmim_pretraining>); }
  static void set_defaults(arguments& config) { suit_vision_transformer(config); }
  /// Pictures for the report, besides the augmented views.
  static void add_pictures(pretext::any_trainer& trainer, const arguments& config, const datasets& data,
                           std::vector<pretext::image_sheet>& sheets) {
    add_reconstructions(trainer, config, false, data, sheets);
  }

  /// Masked blocks are two patches wide: 32 pixels for patches of 16, as in the paper. Where the patches of a
  /// row are odd, blocks are patches.
  template <std::size_t Size, std::size_t Patch>
  using masking_for = pretext::block_masking<Size / Patch % 2 == 0 ? 2 * Patch : Patch>;

  template <class Device>
  static std::unique_ptr<product> make(const arguments& config, const typename Device::stream& stream) {
    using namespace pretext;
    return make_for_encoder<product>(
        vits<simmim_pretraining>, config,
        [&]<class Encoder, std::size_t Size, std::size_t Channels>(
            const compiled_encoder<Encoder, Size, Channels>&) {
          using images = shape<Size, Size, Channels>;
          using method = pretext::simmim<images, Encoder, masking_for<Size, Encoder::patch>>;
          using learner = trainer<method, on<Device>, optimizer>;
          const auto view = make_mae_view<images>(views_of(config), make_normalisation<Channels>(config));
          const auto evaluation = make_evaluation<Size, Channels>(config);
          return std::make_unique<masked_trainer_adapter<learner, std::decay_t<decltype(view)>,
                                                         std::decay_t<decltype(evaluation)>>>(
              std::make_unique<learner>(method{}, make_optimizer(config), config.seed, stream), view,
              evaluation);
        });
  }
};

}  // namespace programs
