#pragma once
#include <cstddef>

#include <pretext/augment/presets.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/optimizers/adamw.hpp>
#include <pretext/optimizers/any_optimizer.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/runtime/any_trainer.hpp>

#include "recipe.hpp"

// The parts of a training that a recipe names, as values of the library.
namespace programs {

using optimizer = pretext::any_optimizer<pretext::sgd, pretext::lars, pretext::adamw>;

inline optimizer make_optimizer(const recipe& config,
                                pretext::lars_variant variant = pretext::lars_variant::simclr) {
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

inline pretext::normalise make_normalisation(const recipe& config) {
  if (config.normalisation == "cifar") return {{.4914f, .4822f, .4465f}, {.2470f, .2435f, .2616f}};
  if (config.normalisation == "imagenet") return {};
  if (config.normalisation == "none") return {{0, 0, 0}, {1, 1, 1}};
  pretext::throw_error("--normalise ", config.normalisation, " is unknown; choose none, cifar or imagenet");
}

/// The view for evaluation: the whole of a small image; the center of a large one, whose shorter side is
/// resized to 8/7 of the size first.
template <std::size_t Size>
auto make_evaluation(const recipe& config) {
  using namespace pretext;
  if constexpr (Size <= 32)
    return augmentation{resized{}, make_normalisation(config)};
  else
    return augmentation{resized_central_crop{.shorter_side = Size * 8 / 7}, make_normalisation(config)};
}

}  // namespace programs
