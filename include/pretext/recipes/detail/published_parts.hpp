// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/optimizers/adamw.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/recipes/published_settings.hpp>
#include <pretext/recipes/published_views.hpp>
#include <pretext/recipes/rate_rule.hpp>

// Parts that rows of the tables share.
namespace pretext::inline v0_1::detail {

/// LARS of the official codes of MoCo v3, Barlow Twins and VICReg, which is that of BYOL.
constexpr lars byol_lars(double weight_decay, double excluded_rate = 1) {
  return {.weight_decay = weight_decay, .variant = lars_variant::byol, .excluded_rate = excluded_rate};
}
constexpr lars lightly_lars(double weight_decay) {
  return {.weight_decay = weight_decay, .variant = lars_variant::sum_of_norms};
}
constexpr lars solo_lars(double weight_decay) {
  return {.weight_decay = weight_decay,
          .trust_coefficient = 0.02,
          .variant = lars_variant::sum_of_norms,
          .clip = true};
}
constexpr sgd decaying_sgd(double weight_decay) { return {.weight_decay = weight_decay, .decay_all = true}; }
constexpr adamw torch_adamw(double weight_decay, bool decay_all = false) {
  return {.beta1 = 0.9, .beta2 = 0.999, .weight_decay = weight_decay, .decay_all = decay_all};
}

/// A learning rate that the source gives for one batch, without a rule for others.
constexpr rate_rule fixed_rate(double rate, std::size_t batch = 256) {
  return {.rate = rate, .batch = batch, .scaling = rate_scaling::constant};
}

constexpr published_crops crops(std::size_t count, std::size_t side, float from, float to) {
  return {count, side, from, to};
}

constexpr published_views moco_views(std::size_t count = 2) {
  return {.global = crops(count, 224, .2f, 1),
          .jitter = {{.4f, .4f, .4f, .1f}},
          .jitter_probability = .8f,
          .gray = .2f,
          .blur = {{.5f, .5f, 0}}};
}
constexpr published_views byol_views_from(float minimum_area) {
  return {.global = crops(2, 224, minimum_area, 1),
          .jitter = {{.4f, .4f, .2f, .1f}},
          .jitter_probability = .8f,
          .gray = .2f,
          .blur = {{1, .1f, 0}},
          .solarize = {{0, .2f, 0}}};
}
constexpr published_views strong_views(const published_crops& global, const published_crops& local = {}) {
  return {.global = global,
          .local = local,
          .jitter = {{.8f, .8f, .8f, .2f}},
          .jitter_probability = .8f,
          .gray = .2f,
          .blur = {{.5f, .5f, .5f}}};
}
constexpr published_views dino_views(const published_crops& global, const published_crops& local) {
  return {.global = global,
          .local = local,
          .jitter = {{.4f, .4f, .2f, .1f}},
          .jitter_probability = .8f,
          .gray = .2f,
          .blur = {{1, .1f, .5f}},
          .solarize = {{0, .2f, 0}}};
}
/// lightly's and solo-learn's jitter of CIFAR-10.
constexpr published_views weak_jitter(const published_crops& global) {
  return {.global = global, .jitter = {{.4f, .4f, .4f, .1f}}};
}

/// The same settings for another number of epochs.
constexpr published_settings for_epochs(published_settings settings, std::size_t epochs) {
  settings.epochs = epochs;
  return settings;
}

}  // namespace pretext::inline v0_1::detail
