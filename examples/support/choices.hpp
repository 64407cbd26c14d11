#pragma once
#include <cstddef>

#include <pretext/augment/presets.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/optimizers/adamw.hpp>
#include <pretext/optimizers/any_optimizer.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/sgd.hpp>

#include "recipe.hpp"

// What a recipe says in words, as values of the library.
namespace programs {

using optimizer = pretext::any_optimizer<pretext::sgd, pretext::lars, pretext::adamw>;

inline optimizer make_optimizer(const recipe& asked,
                                pretext::lars_variant variant = pretext::lars_variant::simclr) {
  if (asked.optimizer == "sgd")
    return {pretext::sgd{
        .momentum = asked.momentum, .nesterov = asked.nesterov, .weight_decay = asked.weight_decay}};
  if (asked.optimizer == "lars")
    return {
        pretext::lars{.momentum = asked.momentum, .weight_decay = asked.weight_decay, .variant = variant}};
  if (asked.optimizer == "adamw")
    return {pretext::adamw{.beta1 = asked.beta1, .beta2 = asked.beta2, .weight_decay = asked.weight_decay}};
  pretext::throw_error("--optimizer ", asked.optimizer, " is not known; choose sgd, lars or adamw");
}

inline pretext::normalise make_normalisation(const recipe& asked) {
  if (asked.normalisation == "cifar") return {{.4914f, .4822f, .4465f}, {.2470f, .2435f, .2616f}};
  if (asked.normalisation == "imagenet") return {};
  if (asked.normalisation == "none") return {{0, 0, 0}, {1, 1, 1}};
  pretext::throw_error("--normalise ", asked.normalisation, " is not known; choose none, cifar or imagenet");
}

/// Evaluation sees the whole of a small image, and the centre of a large one after its shorter side was
/// resized.
template <std::size_t Size>
auto make_evaluation(const recipe& asked) {
  using namespace pretext;
  if constexpr (Size <= 32)
    return augmentation{resized{}, make_normalisation(asked)};
  else
    return augmentation{resized_central_crop{.shorter_side = Size * 8 / 7}, make_normalisation(asked)};
}

}  // namespace programs
