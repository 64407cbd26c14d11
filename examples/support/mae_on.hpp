#pragma once
#include <memory>
#include <type_traits>

#include <pretext/pretext.hpp>
#include <pretext/runtime/masked_trainer_adapter.hpp>

#include "choices.hpp"
#include "encoder_list.hpp"
#include "trainers.hpp"

namespace programs {

/// MAE's only augmentation, crop and flip, with the recipe's numbers.
inline auto make_mae_view(const recipe& asked) {
  using namespace pretext;
  return augmentation{
      random_resized_crop<torchvision_crop_box>{.area = {static_cast<float>(asked.minimum_area), 1},
                                                .method = interpolation::bicubic_antialias},
      horizontal_flip{}, make_normalisation(asked)};
}

/// The paper's decoder above 32 pixels; below, the small ones of those who tried (four blocks as wide as a
/// ViT-Ti), and two for an encoder that is narrower still.
template <std::size_t Size, std::size_t Width>
using decoder_for = std::conditional_t<
    (Size > 32), pretext::mae_decoder<>,
    std::conditional_t<(Width < 192), pretext::mae_decoder<96, 2, 3>, pretext::mae_decoder<192, 4, 3>>>;

/// A trainer on a device: mae.cpp makes the CPU's, gpu/mae.cu the GPU's.
template <class Device>
std::unique_ptr<pretext::any_trainer> make_mae_on(const recipe& asked,
                                                  const typename Device::stream& stream) {
  using namespace pretext;
  expects(asked.mask_ratio == 0.75, "a mask ratio of ", asked.mask_ratio,
          " was not compiled into this program; it has 0.75. It is a type, so that shapes are known while "
          "compiling: name another std::ratio in examples/support/mae_on.hpp");
  return make_chosen<std::unique_ptr<any_trainer>>(
      vits<>, asked, [&]<class Encoder, std::size_t Size>(const compiled<Encoder, Size>&) {
        using method = mae<shape<Size, Size, 3>, Encoder, decoder_for<Size, Encoder::width>>;
        using learner = trainer<method, on<Device>, optimizer>;
        const auto view = make_mae_view(asked);
        const auto evaluation = make_evaluation<Size>(asked);
        return std::make_unique<masked_trainer_adapter<learner, std::decay_t<decltype(view)>,
                                                       std::decay_t<decltype(evaluation)>>>(
            std::make_unique<learner>(method{.loss = {.normalise = asked.normalise_pixels}},
                                      make_optimizer(asked), asked.seed, stream),
            view, evaluation);
      });
}

}  // namespace programs
