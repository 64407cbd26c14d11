#pragma once
#include <memory>
#include <tuple>
#include <type_traits>

#include <pretext/pretext.hpp>

#include "choices.hpp"
#include "encoder_list.hpp"
#include "trainers.hpp"

namespace programs {

/// ViTs as MAE fine-tunes them: their positions learn and their feature is the mean of their tokens.
inline constexpr auto tuned_encoders = std::tuple_cat(resnets, vits<pretext::mae_fine_tuning>);

/// MAE's start for a ViT, SimCLR's zeros for a ResNet.
template <class Encoder>
struct tuned_head : pretext::linear_classifier<most_classes> {};
template <class Encoder>
  requires requires { Encoder::patch; }
struct tuned_head<Encoder> : pretext::linear_classifier<most_classes, pretext::mae_classifier_init> {};

inline auto make_finetune_view(const recipe& asked) {
  using namespace pretext;
  const normalise numbers = make_normalisation(asked);
  return augmentation{
      random_resized_crop<torchvision_crop_box>{.area = {static_cast<float>(asked.minimum_area), 1},
                                                .method = interpolation::bicubic_antialias},
      horizontal_flip{},
      rand_augment{.magnitude = static_cast<float>(asked.rand_augment),
                   .layers = asked.rand_augment > 0 ? 2u : 0u,
                   .fill = numbers.mean},
      numbers, random_erasing{.probability = static_cast<float>(asked.erasing)}};
}

/// A classifier on a device: finetune.cpp makes the CPU's, gpu/finetune.cu the GPU's.
template <class Device>
std::unique_ptr<pretext::any_classifier> make_classifier_on(const recipe& asked, std::size_t classes,
                                                            const typename Device::stream& stream) {
  using namespace pretext;
  expects(classes <= most_classes, "finetune tells at most ", most_classes, " classes apart, not ", classes);
  return make_chosen<std::unique_ptr<any_classifier>>(
      tuned_encoders, asked, [&]<class Encoder, std::size_t Size>(const compiled<Encoder, Size>&) {
        using method =
            classification<shape<Size, Size, 3>, encoder<Encoder>, classifier<tuned_head<Encoder>>>;
        using learner = trainer<method, on<Device>, layer_decay<optimizer>>;
        auto made = std::make_unique<learner>(
            method{.loss = {.classes = classes}, .frozen = asked.freeze},
            layer_decay<optimizer>{make_optimizer(asked), asked.layer_decay}, asked.seed, stream);
        // Outputs behind the classes never learn: without a start they are not even in a norm.
        for (const parameter& p : method::parameters)
          if (p.offset >= method::encoder_size && p.rank == 2)
            Device::clear(stream, made->memory().value.data() + p.offset + classes * p.extents[1],
                          (most_classes - classes) * p.extents[1]);
        const target_options targets{.mixing = {.mixup = {asked.mixup}, .cutmix = {asked.cutmix}},
                                     .smoothing = asked.label_smoothing};
        const auto view = make_finetune_view(asked);
        const auto evaluation = make_evaluation<Size>(asked);
        return std::make_unique<
            classifier_adapter<learner, std::decay_t<decltype(view)>, std::decay_t<decltype(evaluation)>>>(
            std::move(made), view, evaluation, targets);
      });
}

}  // namespace programs
