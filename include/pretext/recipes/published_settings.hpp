// SPDX-License-Identifier: MIT
#pragma once
// Published settings. What the source does not say is absent, not a default of ours. The tables of settings
// are templates, so that only programs that read one evaluate it.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include <pretext/optimizers/adamw.hpp>
#include <pretext/optimizers/any_optimizer.hpp>
#include <pretext/optimizers/clipped.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/schedule.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/recipes/published_views.hpp>
#include <pretext/recipes/rate_rule.hpp>

namespace pretext::inline v0_1 {

/// The data sets that there are published settings for.
enum class dataset : std::uint8_t {
  imagenet,    ///< 1 281 167 images, at 224 pixels if not said otherwise
  cifar10,     ///< 50 000 images of 32 pixels
  imagenette,  ///< 9 469 images of Imagenette-160, at 128 pixels
};

/// Where settings were published.
enum class recipe_source : std::uint8_t {
  authors,     ///< a method's paper or its official code
  lightly,     ///< the benchmarks of lightly
  solo_learn,  ///< the configurations of solo-learn
};

/// torch's Adam, whose decay is part of the gradient. The library has no such optimizer; these are its
/// numbers.
struct published_adam {
  double beta1 = 0.9, beta2 = 0.999, weight_decay = 0;

  friend bool operator==(const published_adam&, const published_adam&) = default;
};

/// An optimizer with its variant and hyper-parameters, if the source gives one.
using published_optimizer = std::optional<std::variant<sgd, lars, adamw, published_adam>>;

/// How the momentum of an EMA target gets from its first value to its last one.
enum class momentum_course : std::uint8_t { constant, cosine, linear };

/// A hyper-parameter of a loss, under the name of the loss's member.
struct named_value {
  std::string_view name{};
  double value = 0;
};

/// Published settings of a method on a data set, one source and one length each. Widths of 0 and empty names
/// are absent, like empty optionals.
struct published_settings {
  std::string_view method{};
  dataset images = dataset::imagenet;
  recipe_source source = recipe_source::authors;
  std::string_view encoder{};  ///< "resnet50"
  std::optional<std::size_t> batch{}, epochs{};
  std::optional<std::size_t> steps_per_epoch{};  ///< where an epoch is a number of steps: DINOv2

  /// With the weight decay at the first step; `decay_all` where biases and norms are decayed, too.
  published_optimizer optimizer{};
  /// The peak, by batch; constant where the source gives no rule for other batches.
  std::optional<rate_rule> rate{};
  std::optional<double> warmup_epochs{};         ///< 0: none
  warm_up ramp = warm_up::from_start;            ///< how steps of the warm-up are counted
  std::optional<double> start_rate{};            ///< at the start of the warm-up; absent: 0
  std::optional<double> end_rate{};              ///< of the cosine
  std::optional<double> end_fraction{};          ///< the same, as a fraction of the peak
  bool rate_per_epoch = false;                   ///< the rate is constant within an epoch
  bool first_step_is_one = false;                ///< rate and weight decay count steps from 1
  std::optional<double> weight_decay_end{};      ///< reached along half a cosine; absent: constant
  std::optional<double> clip_norm{};             ///< of gradients
  clip_by clip = clip_by::tensor;                ///< what clip_norm is the norm of
  std::optional<double> layer_decay{};           ///< factor of the learning rate from layer to layer
  std::optional<double> patch_embedding_rate{};  ///< factor of the learning rate of a ViT's patch embedding
  std::optional<double> drop_path{};
  std::optional<double> dropped_patches{};  ///< fraction of patches that the encoder does not get

  std::optional<double> target_momentum{}, target_momentum_end{};
  momentum_course momentum = momentum_course::constant;

  std::optional<double> temperature{};
  std::optional<double> target_temperature{};  ///< of a teacher or target, at the first step
  std::optional<double> target_temperature_end{};
  std::optional<double> target_temperature_epochs{};  ///< number of epochs in which it gets there
  bool target_temperature_per_step = false;           ///< else it is constant within an epoch

  std::optional<std::size_t> queue_capacity{};
  std::optional<std::size_t> queue_from_epoch{};  ///< the queue takes part from this epoch on
  std::optional<std::size_t> prototypes{};        ///< also the outputs of DINO's head

  /// Group 1 of the method's parameters (SwAV's prototypes, the last layer of DINO's head) does not learn in
  /// the first steps or epochs.
  std::optional<std::size_t> frozen_steps{}, frozen_epochs{};
  bool frozen_by_rate = false;       ///< its learning rate is 0 then, but momentum and step count go on
  bool constant_group_rate = false;  ///< group 1 (SimSiam's predictor) has the peak rate throughout

  std::array<std::size_t, 3> projector{}, predictor{};  ///< widths of the layers of the heads
  std::array<named_value, 4> loss{};                    ///< other hyper-parameters of the loss
  published_views views{};

  /// A hyper-parameter of the loss; nothing if the source does not give it.
  constexpr std::optional<double> loss_value(std::string_view name) const {
    for (const named_value& given : loss)
      if (!given.name.empty() && given.name == name) return given.value;
    return {};
  }

  /// The published optimizer for a trainer. Nothing if none is given, or one that the library lacks
  /// (`published_adam`). Clipping is not part of it: see `make_clipped_optimizer`.
  constexpr std::optional<any_optimizer<sgd, lars, adamw>> make_optimizer() const {
    using chosen = any_optimizer<sgd, lars, adamw>;
    if (!optimizer) return {};
    if (const auto* given = std::get_if<sgd>(&*optimizer)) return chosen{*given};
    if (const auto* given = std::get_if<lars>(&*optimizer)) return chosen{*given};
    if (const auto* given = std::get_if<adamw>(&*optimizer)) return chosen{*given};
    return {};
  }

  /// The same on clipped gradients. Nothing if there is no `clip_norm` or no optimizer.
  constexpr std::optional<clipped<any_optimizer<sgd, lars, adamw>>> make_clipped_optimizer() const {
    const auto plain = make_optimizer();
    if (!plain || !clip_norm) return {};
    return clipped<any_optimizer<sgd, lars, adamw>>{.optimizer = *plain, .norm = *clip_norm, .by = clip};
  }

  /// The weight decay at the first step.
  constexpr std::optional<double> weight_decay() const {
    if (!optimizer) return {};
    return std::visit([](const auto& given) { return given.weight_decay; }, *optimizer);
  }
};

}  // namespace pretext::inline v0_1
