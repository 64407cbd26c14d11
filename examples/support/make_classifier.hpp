#pragma once
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include <pretext/pretext.hpp>

#include "choices.hpp"
#include "encoder_list.hpp"
#include "fine_tuning.hpp"

namespace programs {

/// MAE's initialisation for a ViT, SimCLR's zeros for a ResNet.
template <class Encoder>
struct finetune_head : pretext::linear_classifier<max_classes> {};
template <class Encoder>
  requires requires { Encoder::patch; }
struct finetune_head<Encoder> : pretext::linear_classifier<max_classes, pretext::mae_classifier_init> {};

/// RandAugment for RGB; brightness and contrast, and only if RandAugment is asked for, for other channels.
template <std::size_t Channels>
auto make_rand_augment(const finetune_recipe& config, const pretext::pixel<Channels>& mean) {
  using namespace pretext;
  const bool applied = config.options.rand_augment > 0;
  if constexpr (Channels == 3)
    return rand_augment{.magnitude = static_cast<float>(config.options.rand_augment),
                        .layers = applied ? 2u : 0u,
                        .fill = mean};
  else
    return intensity_jitter<>{.probability = applied ? .5f : 0.f};
}

template <std::size_t Channels>
auto make_finetune_view(const finetune_recipe& config) {
  using namespace pretext;
  const auto normalisation = make_normalisation<Channels>(config);
  return augmentation{
      random_resized_crop<torchvision_crop_box>{.area = {static_cast<float>(config.minimum_area), 1},
                                                .method = interpolation::bicubic_antialias},
      horizontal_flip{.probability = config.orientation == "fixed" ? 0.f : .5f},
      random_orientation{.probability = config.orientation == "any" ? 1.f : 0.f},
      make_rand_augment<Channels>(config, normalisation.mean),
      normalisation,
      random_erasing{.probability = static_cast<float>(config.options.erasing)}};
}

template <class Device>
std::unique_ptr<pretext::any_classifier> finetune_classifier::make(const arguments& given,
                                                                   const typename Device::stream& stream) {
  using namespace pretext;
  const finetune_recipe& config = given.config;
  const finetune_options& options = config.options;
  const std::size_t classes = given.classes;
  expects(classes <= max_classes, "finetune supports at most ", max_classes, " classes, not ", classes);
  return make_for_encoder<product>(
      finetune_encoders, config,
      [&]<class Encoder, std::size_t Size, std::size_t Channels>(
          const compiled_encoder<Encoder, Size, Channels>&) {
        using method =
            classification<shape<Size, Size, Channels>, encoder<Encoder>, classifier<finetune_head<Encoder>>>;
        using learner = trainer<method, on<Device>, layer_decay<optimizer>>;
        auto result = std::make_unique<learner>(
            method{.loss = {.classes = classes}, .frozen = options.freeze},
            layer_decay<optimizer>{make_optimizer(config), options.layer_decay}, config.seed, stream);
        // Outputs beyond the classes are never trained: zeros keep them out of every norm, too.
        for (const parameter& p : method::parameters)
          if (p.offset >= method::encoder_size && p.rank == 2)
            Device::clear(stream, result->memory().value.data() + p.offset + classes * p.extents[1],
                          (max_classes - classes) * p.extents[1]);
        const target_options targets{.mixing = {.mixup = {options.mixup}, .cutmix = {options.cutmix}},
                                     .smoothing = options.label_smoothing};
        const auto view = make_finetune_view<Channels>(config);
        const auto evaluation = make_evaluation<Size, Channels>(config);
        return std::make_unique<
            classifier_adapter<learner, std::decay_t<decltype(view)>, std::decay_t<decltype(evaluation)>>>(
            std::move(result), view, evaluation, targets);
      });
}

}  // namespace programs
