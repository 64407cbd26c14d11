// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/losses/nt_xent.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/schedule.hpp>

namespace pretext::inline v0_1 {

/// SimCLR's hyper-parameters as in its paper and its official code, and the schedule that follows from them.
struct simclr_preset {
  std::size_t epochs = 1000, batch = 4096;
  double base_rate = 0.3;  ///< learning rate for 256 images
  double weight_decay = 1e-6;
  double temperature = 0.1;
  std::size_t warmup_epochs = 10;

  /// Optimizer steps for that many images: one more than the whole batches of all epochs.
  constexpr std::size_t steps(std::size_t images) const { return simclr_steps(images, batch, epochs); }
  /// The learning rate by step: linear from 0, then half a cosine to 0.
  constexpr cosine_schedule learning_rate(std::size_t images) const {
    return {.peak = linear_scaling(base_rate, batch),
            .warmup = static_cast<double>(steps_of(images, batch, warmup_epochs)),
            .length = static_cast<double>(steps(images))};
  }
  constexpr nt_xent loss() const { return {.temperature = temperature}; }
  /// LARS as in SimCLR's code: biases and batch norm are neither decayed nor adapted.
  constexpr lars optimizer() const { return {.weight_decay = weight_decay, .variant = lars_variant::simclr}; }
};

/// ImageNet, ResNet-50, 4096 images a step (Chen et al. 2020, §2.2 and App. B.6): 100 or 1000 epochs.
constexpr simclr_preset simclr_100_epochs() { return {.epochs = 100}; }
/// The same for 1000 epochs.
constexpr simclr_preset simclr_1000_epochs() { return {}; }

/// CIFAR-10, a ResNet with a CIFAR stem (Chen et al. 2020, App. B.9; the official code's example): 1000
/// epochs with 512 images a step.
constexpr simclr_preset simclr_cifar10() { return {.batch = 512, .base_rate = 1, .temperature = 0.5}; }

}  // namespace pretext::inline v0_1
