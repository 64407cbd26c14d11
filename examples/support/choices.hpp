#pragma once
#include <cstddef>
#include <limits>
#include <utility>

#include <pretext/augment/presets.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/optimizers/adamw.hpp>
#include <pretext/optimizers/any_optimizer.hpp>
#include <pretext/optimizers/clipped.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/runtime/any_trainer.hpp>

#include "measured_images.hpp"
#include "recipe.hpp"

// The parts of a training that a recipe names, as values of the library.
namespace programs {

using plain_optimizer = pretext::any_optimizer<pretext::sgd, pretext::lars, pretext::adamw>;
using optimizer = pretext::clipped<plain_optimizer>;

inline plain_optimizer make_plain_optimizer(const recipe& config, pretext::lars_variant variant) {
  if (config.optimizer == "sgd")
    return {pretext::sgd{
        .momentum = config.momentum, .nesterov = config.nesterov, .weight_decay = config.weight_decay}};
  if (config.optimizer == "lars")
    return {
        pretext::lars{.momentum = config.momentum, .weight_decay = config.weight_decay, .variant = variant}};
  if (config.optimizer == "adamw")
    return {
        pretext::adamw{.beta1 = config.beta1, .beta2 = config.beta2, .weight_decay = config.weight_decay}};
  pretext::throw_error("--optimizer ", config.optimizer, " is unknown; choose sgd, lars or adamw");
}

inline optimizer make_optimizer(const recipe& config,
                                pretext::lars_variant variant = pretext::lars_variant::simclr) {
  const auto by = config.clip_by == "tensor"   ? pretext::clip_by::tensor
                  : config.clip_by == "module" ? pretext::clip_by::module
                                               : pretext::clip_by::whole;
  return {.optimizer = make_plain_optimizer(config, variant),
          .norm = config.clip_norm > 0 ? config.clip_norm : std::numeric_limits<double>::infinity(),
          .by = by};
}

/// Mean and deviation of each channel, of the recipe's `normalisation`.
template <std::size_t Channels>
pretext::basic_normalise<Channels> make_normalisation(const recipe& config) {
  const channel_normalisation values = normalisation_of(config);
  return [&]<std::size_t... C>(std::index_sequence<C...>) {
    return pretext::basic_normalise<Channels>{{values.mean[C]...}, {values.deviation[C]...}};
  }
  (std::make_index_sequence<Channels>{});
}

/// The view for evaluation: the whole of a small image; the center of a large one, whose shorter side is
/// resized to 8/7 of the size first.
template <std::size_t Size, std::size_t Channels>
auto make_evaluation(const recipe& config) {
  using namespace pretext;
  if constexpr (Size <= 32)
    return augmentation{resized{}, make_normalisation<Channels>(config)};
  else
    return augmentation{resized_central_crop{.shorter_side = Size * 8 / 7},
                        make_normalisation<Channels>(config)};
}

}  // namespace programs
