// SPDX-License-Identifier: MIT
#pragma once
// Presets that adapt published settings to a kind of images.
#include <algorithm>
#include <optional>
#include <string_view>
#include <variant>

#include <pretext/recipes/detail/small_preset.hpp>
#include <pretext/recipes/pretraining_preset.hpp>
#include <pretext/recipes/published.hpp>

namespace pretext::inline v0_1::detail {

/// Takes over optimizer, learning rate and decay. torch's Adam becomes AdamW. A rate that authors published
/// for one batch only follows the batch linearly.
constexpr void adopt_optimizer(pretraining_preset& preset, const published_settings& settings) {
  if (!settings.rate) return;
  if (settings.optimizer)
    preset.optimizer = std::holds_alternative<sgd>(*settings.optimizer)    ? preset_optimizer::sgd
                       : std::holds_alternative<lars>(*settings.optimizer) ? preset_optimizer::lars
                                                                           : preset_optimizer::adamw;
  optimizer_preset& values = preset.optimizer == preset_optimizer::sgd    ? preset.with_sgd
                             : preset.optimizer == preset_optimizer::lars ? preset.with_lars
                                                                          : preset.with_adamw;
  values = {*settings.rate, settings.weight_decay().value_or(values.weight_decay)};
  if (values.rate.scaling == rate_scaling::constant && settings.source == recipe_source::authors)
    values.rate.scaling = rate_scaling::linear;
}

/// Takes over what the loss and the views have.
constexpr void adopt_values(pretraining_preset& preset, const published_settings& settings) {
  preset.temperature = settings.temperature.value_or(preset.temperature);
  preset.target_temperature = settings.target_temperature.value_or(preset.target_temperature);
  preset.epsilon = settings.loss_value("epsilon").value_or(preset.epsilon);
  if (settings.target_momentum) preset.constant_momentum = settings.momentum == momentum_course::constant;
  if (settings.views.global.minimum_area > 0) preset.views.minimum_area = settings.views.global.minimum_area;
  if (settings.views.jitter) preset.views.jitter = (*settings.views.jitter)[0] / .8f;
}

/// Takes over all that a preset has of published settings; the rest of it stays.
constexpr void adopt(pretraining_preset& preset, const published_settings& settings) {
  adopt_optimizer(preset, settings);
  adopt_values(preset, settings);
  preset.queue_capacity = settings.queue_capacity.value_or(preset.queue_capacity);
  if (const auto decay = settings.weight_decay(); settings.weight_decay_end && decay)
    preset.weight_decay_growth = *settings.weight_decay_end / *decay;
  if (!settings.warmup_epochs) return;
  // A tenth, as in SimCLR's preset, lest ten of a thousand epochs become nothing in a short training.
  const double epochs = *settings.warmup_epochs;
  const double published_fraction = settings.epochs ? epochs / static_cast<double>(*settings.epochs) : 0;
  preset.warmup = epochs > 0 ? std::max(0.1, published_fraction) : 0;
  preset.max_warmup_epochs = epochs;
}

/// The published settings nearest to small images.
constexpr std::optional<published_settings> published_for_small_images(std::string_view method) {
  if (method == "moco_v3") {
    auto settings = published(method, dataset::cifar10);
    settings->rate.reset();  // solo-learn's LARS has another trust coefficient than ours
    return settings;
  }
  if (method == "wmse") return published(method, dataset::cifar10, {.source = recipe_source::solo_learn});
  if (method == "vicreg") return published(method, dataset::imagenette);
  if (const auto found = published(method, dataset::cifar10)) return found;
  return published(method, dataset::imagenette);
}

/// The published settings for photographs: of SwAV, those for small batches; of MSN, whose code does not say
/// how many images a step has, lightly's.
constexpr std::optional<published_settings> published_for_photographs(std::string_view method) {
  if (method == "swav") return published(method, dataset::imagenet, {.batch = 256});
  if (method == "msn") return published(method, dataset::imagenette);
  if (const auto found = published(method, dataset::imagenet)) return found;
  return published_for_small_images(method);
}

/// Methods on vision transformers, which have no settings for small images.
constexpr bool needs_transformer(std::string_view method) {
  return method == "ibot" || method == "dinov2" || method == "msn" || method == "ijepa" || method == "lejepa";
}

/// Self-distillation with a vision transformer. In trainings of a few hundred steps iBOT learns with these
/// values and collapses with twice the rate (docs/choosing.md).
constexpr bool distils_itself_with_transformer(std::string_view method) {
  return method == "ibot" || method == "dinov2" || method == "msn";
}
constexpr void suit_short_self_distillation(pretraining_preset& preset) {
  preset.with_adamw = {{.rate = 5e-4, .batch = 32, .scaling = rate_scaling::square_root, .largest = 5e-4},
                       0.05};
  preset.momentum = 0.99;
}

/// The rate of SGD that was measured in short trainings (docs/choosing.md), or nothing for methods with
/// another rate or optimizer. It does not grow with the batch beyond `largest`, because larger batches were
/// not measured.
constexpr std::optional<rate_rule> measured_sgd_rate(std::string_view method) {
  if (method == "barlow_twins") return rate_rule{.rate = 0.003, .batch = 64, .largest = 0.006};
  for (const std::string_view each :
       {"simsiam", "fast_siam", "moco_v2", "moco_v3", "nnclr", "tico", "wmse", "ressl", "supcon", "frossl"})
    if (method == each) return rate_rule{.rate = 0.2, .batch = 64, .largest = 0.4};
  return {};
}

constexpr pretraining_preset preset_of_published(std::string_view method, image_kind kind) {
  pretraining_preset preset{
      .with_sgd = {{.rate = 0.06, .batch = 128}, 5e-4}, .with_lars = small_lars, .with_adamw = small_adamw};
  if (needs_transformer(method)) {
    preset.optimizer = preset_optimizer::adamw;
    preset.warmup = 0.1;
  }
  if (method == "swav") preset.queue_capacity = 0;  // without one, where none was published
  if (const auto paper = published(method, dataset::imagenet)) {
    adopt_values(preset, *paper);
    // With a target as fast as BYOL's in short trainings, I-JEPA's features became constant.
    if (needs_transformer(method)) preset.momentum = paper->target_momentum;
  }
  if (kind == image_kind::photographs) {
    if (const auto settings = published_for_photographs(method)) {
      adopt(preset, *settings);
      if (settings->target_momentum) preset.momentum = settings->target_momentum;
      preset.clip_norm = settings->clip_norm;
      if (settings->clip_norm) preset.clip = settings->clip;
    }
    return preset;
  }
  if (!needs_transformer(method)) preset.views.jitter = 0.5f;
  if (const auto settings = published_for_small_images(method)) adopt(preset, *settings);
  if (const auto rate = measured_sgd_rate(method)) {
    preset.optimizer = preset_optimizer::sgd;
    preset.with_sgd.rate = *rate;
    preset.warmup = 0.1;
    preset.max_warmup_epochs = 10;
  }
  if (method == "vicreg") preset.with_lars.rate = small_lars.rate;  // SGD gives NaN at 0.2
  if (method == "lejepa")
    preset.with_adamw.rate = {
        .rate = 4e-3, .batch = 64, .scaling = rate_scaling::square_root, .largest = 4e-3};
  if (method == "swav") {
    preset.with_adamw.rate = {
        .rate = 2e-3, .batch = 64, .scaling = rate_scaling::square_root, .largest = 2e-3};
    preset.warmup = 0.1;
    preset.max_warmup_epochs = 10;
    preset.epsilon = 0.03;  // sharper codes, for batches smaller than the number of prototypes
  }
  if (method == "dino") {
    preset.optimizer = preset_optimizer::adamw;
    preset.with_adamw = small_adamw;
    preset.warmup = 0.1;
    preset.max_warmup_epochs = 10;
  }
  // With BYOL's rule, embeddings of ReSSL and MoCo v2 became all alike, and DINO learned nearly nothing.
  if (method == "ressl" || method == "moco_v2" || method == "dino") preset.momentum = 0.99;
  if (distils_itself_with_transformer(method)) suit_short_self_distillation(preset);
  if (kind == image_kind::inspection) {
    const float area = preset.views.minimum_area;
    suit_inspection(preset);
    if (method == "ijepa") preset.views.minimum_area = area;  // masking is what makes it hard, not the crop
  }
  return preset;
}

}  // namespace pretext::inline v0_1::detail
