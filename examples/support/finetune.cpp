#include <algorithm>
#include <tuple>

#include <pretext/cpu.hpp>

#include "choices.hpp"
#include "encoder_list.hpp"
#include "trainers.hpp"

namespace programs {
namespace {

using namespace pretext;

/// ViTs as MAE fine-tunes them: their positions learn and their feature is the mean of their tokens.
constexpr auto tuned_encoders = std::tuple_cat(resnets, vits<mae_fine_tuning>);

/// MAE's start for a ViT, SimCLR's zeros for a ResNet.
template <class Encoder>
struct head : linear_classifier<most_classes> {};
template <class Encoder>
  requires requires { Encoder::patch; }
struct head<Encoder> : linear_classifier<most_classes, mae_start> {};

auto make_view(const recipe& asked) {
  const normalise numbers = make_normalisation(asked);
  return augmentation{random_resized_crop<retried_box>{.area = {static_cast<float>(asked.minimum_area), 1},
                                                       .method = interpolation::bicubic_antialias},
                      horizontal_flip{},
                      rand_augment{.magnitude = static_cast<float>(asked.rand_augment),
                                   .layers = asked.rand_augment > 0 ? 2u : 0u,
                                   .fill = numbers.mean},
                      numbers, random_erasing{.probability = static_cast<float>(asked.erasing)}};
}

}  // namespace

std::string finetune_encoders() { return names_of(tuned_encoders); }

std::unique_ptr<any_classifier> make_classifier(const recipe& asked, std::size_t classes,
                                                std::size_t threads) {
  expects(classes <= most_classes, "finetune tells at most ", most_classes, " classes apart, not ", classes);
  return make_chosen<std::unique_ptr<any_classifier>>(
      tuned_encoders, asked, [&]<class Encoder, std::size_t Size>(const compiled<Encoder, Size>&) {
        using method = classification<shape<Size, Size, 3>, encoder<Encoder>, classifier<head<Encoder>>>;
        using learner = trainer<method, on<cpu>, layer_decay<optimizer>>;
        auto made = std::make_unique<learner>(
            method{.compare = {.classes = classes}, .frozen = asked.freeze},
            layer_decay<optimizer>{make_optimizer(asked), asked.layer_decay, asked.freeze}, asked.seed,
            cpu::stream{threads});
        made->place().drop_path = asked.drop_path;
        // Outputs behind the classes never learn: without a start they are not even in a norm.
        for (const parameter& p : method::parameters)
          if (p.offset >= method::encoder_size && p.rank == 2)
            std::fill_n(made->memory().value.data() + p.offset + classes * p.extents[1],
                        (most_classes - classes) * p.extents[1], 0.f);
        const goal_options goals{.mixing = {.blend = {asked.mixup}, .paste = {asked.cutmix}},
                                 .smoothing = asked.label_smoothing,
                                 .classes = classes};
        const auto view = make_view(asked);
        const auto evaluation = make_evaluation<Size>(asked);
        return std::make_unique<
            erased_classifier<learner, std::decay_t<decltype(view)>, std::decay_t<decltype(evaluation)>>>(
            std::move(made), view, evaluation, goals);
      });
}

}  // namespace programs
