// SPDX-License-Identifier: MIT
#pragma once
// Presets for three kinds of images. Those of the papers take their values from the published recipes; the
// others have optimizers, rates and warm-ups that were found by measuring short trainings, see
// docs/choosing.md. What else methods after SimCLR, BYOL and MAE have are lightly's settings for CIFAR-10 or,
// without those, the nearest published ones.
#include <pretext/recipes/byol.hpp>
#include <pretext/recipes/detail/small_preset.hpp>
#include <pretext/recipes/mae.hpp>
#include <pretext/recipes/pretraining_preset.hpp>
#include <pretext/recipes/simclr.hpp>

namespace pretext::inline v0_1 {

/// SimCLR.
constexpr pretraining_preset simclr_for(image_kind kind) {
  pretraining_preset preset{
      .with_sgd = detail::small_sgd, .with_lars = detail::small_lars, .with_adamw = detail::small_adamw};
  switch (kind) {
    case image_kind::photographs: {
      constexpr auto published = simclr_1000_epochs();
      preset.optimizer = preset_optimizer::lars;
      // 0.075·√batch is the paper's rule for batches below 4096, where it meets the linear one (App. B.1).
      preset.with_lars = {{.rate = linear_scaling(published.base_rate, published.batch),
                           .batch = published.batch,
                           .scaling = rate_scaling::square_root},
                          published.weight_decay};
      preset.warmup = 0.1;
      preset.temperature = published.temperature;
      preset.views = {.minimum_area = 0.08f, .jitter = 1};
      break;
    }
    case image_kind::small_images:
      break;
    case image_kind::inspection:
      detail::suit_inspection(preset);
  }
  return preset;
}

/// BYOL.
constexpr pretraining_preset byol_for(image_kind kind) {
  // Above 0.2, runs of a few hundred steps learn less and may collapse (docs/choosing.md).
  pretraining_preset preset{.with_sgd = {{.rate = 0.1, .batch = 32, .largest = 0.2}, 1e-3},
                            .with_lars = detail::small_lars,
                            .with_adamw = detail::small_adamw,
                            .warmup = 0.0625,
                            .views = {.minimum_area = 0.08f}};
  switch (kind) {
    case image_kind::photographs: {
      constexpr auto published = byol_100_epochs();
      preset.optimizer = preset_optimizer::lars;
      preset.with_lars = {{.rate = published.base_rate, .batch = 256}, published.weight_decay};
      preset.warmup = 0.1;
      break;
    }
    case image_kind::small_images:
      break;
    case image_kind::inspection:
      detail::suit_inspection(preset);
  }
  return preset;
}

/// MAE.
constexpr pretraining_preset mae_for(image_kind kind) {
  constexpr mae_preset published = mae_800_epochs();
  pretraining_preset preset{
      .optimizer = preset_optimizer::adamw,
      .with_sgd = detail::small_sgd,
      .with_lars = detail::small_lars,
      .with_adamw = {{.rate = 2e-3, .batch = 64, .scaling = rate_scaling::square_root, .largest = 2e-3},
                     published.weight_decay},
      .warmup = 1. / 15};
  switch (kind) {
    case image_kind::photographs:
      preset.with_adamw = {{.rate = published.base_rate, .batch = 256}, published.weight_decay};
      preset.warmup = 0.1;
      preset.max_warmup_epochs = static_cast<double>(published.warmup_epochs);
      break;
    case image_kind::small_images:
      break;
    case image_kind::inspection:
      detail::suit_inspection(preset);
      preset.views.minimum_area = 0.2f;  // masking is what makes it hard, not the crop
  }
  return preset;
}

/// SimMIM: Xie et al. 2022 and the official code.
constexpr pretraining_preset simmim_for(image_kind kind) {
  pretraining_preset preset = mae_for(kind);
  preset.with_adamw.rate = {.rate = 1e-3, .batch = 64, .scaling = rate_scaling::square_root, .largest = 1e-3};
  if (kind != image_kind::photographs) return preset;
  preset.with_adamw.rate = {.rate = 1e-4, .batch = 512};
  preset.max_warmup_epochs = 10;
  preset.clip_norm = 5;
  preset.views.minimum_area = 0.67f;
  return preset;
}

/// Alignment and uniformity. The code of Wang & Isola 2020 for STL-10 has the values for photographs.
constexpr pretraining_preset hypersphere_for(image_kind kind) {
  pretraining_preset preset = simclr_for(kind);
  preset.optimizer = preset_optimizer::sgd;
  preset.warmup = 0.0625;
  preset.with_sgd.rate = {.rate = 0.4, .batch = 64, .largest = 0.4};
  if (kind != image_kind::photographs) return preset;
  preset.with_sgd.rate = {.rate = 0.12, .batch = 256};
  preset.warmup = 0;
  preset.views.jitter = 0.5f;
  return preset;
}

/// Distillation, for which no settings were published; the values for photographs are those for small images
/// with smaller crops.
constexpr pretraining_preset distillation_for(image_kind kind) {
  pretraining_preset preset =
      hypersphere_for(kind == image_kind::photographs ? image_kind::small_images : kind);
  if (kind == image_kind::photographs) preset.views.minimum_area = 0.08f;
  return preset;
}

}  // namespace pretext::inline v0_1
