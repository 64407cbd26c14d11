// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/schedule.hpp>

namespace pretext::inline v0_1 {

/// BYOL's hyper-parameters as in its paper and its official code, and the schedules that follow from them.
struct byol_preset {
  std::size_t epochs = 1000, batch = 4096;
  double base_rate = 0.2;  ///< learning rate for 256 images
  double weight_decay = 1.5e-6;
  double base_momentum = 0.996;  ///< of the target at step 0
  std::size_t warmup_epochs = 10;

  /// Optimizer steps for that many images: whole batches, the remainder carried into the next epoch.
  constexpr std::size_t steps(std::size_t images) const { return steps_of(images, batch, epochs); }
  /// The learning rate by step: linear from 0, then half a cosine to 0.
  constexpr cosine_schedule learning_rate(std::size_t images) const {
    return {.peak = linear_scaling(base_rate, batch),
            .warmup = static_cast<double>(steps_of(images, batch, warmup_epochs)),
            .length = static_cast<double>(steps(images))};
  }
  /// The target's momentum by step: from the base to 1.
  constexpr cosine_momentum_schedule target_momentum(std::size_t images) const {
    return {.base = base_momentum, .length = static_cast<double>(steps(images))};
  }
  /// LARS as in BYOL's code: biases and batch norm are neither decayed nor adapted.
  constexpr lars optimizer() const { return {.weight_decay = weight_decay, .variant = lars_variant::byol}; }
};

/// ImageNet, ResNet-50, 4096 images a step: the four lengths of the official code (byol:configs/byol.py).
constexpr byol_preset byol_40_epochs() {
  return {.epochs = 40, .base_rate = 0.45, .weight_decay = 1e-6, .base_momentum = 0.97};
}
/// The same for 100 epochs.
constexpr byol_preset byol_100_epochs() {
  return {.epochs = 100, .base_rate = 0.45, .weight_decay = 1e-6, .base_momentum = 0.99};
}
/// The same for 300 epochs.
constexpr byol_preset byol_300_epochs() {
  return {.epochs = 300, .base_rate = 0.3, .weight_decay = 1e-6, .base_momentum = 0.99};
}
/// The same for 1000 epochs, the headline result: 74.3 % with ResNet-50.
constexpr byol_preset byol_1000_epochs() { return {}; }

/// 1000 epochs with 512 images a step (Grill et al. 2020, App. G): 73.7 % against 74.3 %.
constexpr byol_preset byol_batch_512() { return {.batch = 512, .base_rate = 0.4, .base_momentum = 0.9995}; }

/// The official code's small recipe: Imagenette-160 at 128 pixels, ResNet-18, 1000 epochs on one GPU.
constexpr byol_preset byol_imagenette() { return {.batch = 256, .base_rate = 2, .weight_decay = 1e-6}; }

}  // namespace pretext::inline v0_1
