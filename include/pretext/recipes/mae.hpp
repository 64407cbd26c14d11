// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/optimizers/adamw.hpp>
#include <pretext/optimizers/schedule.hpp>

namespace pretext::inline v0_1 {

/// MAE's hyper-parameters of pretraining (He et al. 2022, App. A.1), and the schedule that follows from them.
struct mae_preset {
  std::size_t epochs = 800, batch = 4096;
  double base_rate = 1.5e-4;  ///< learning rate for 256 images
  double weight_decay = 0.05;
  std::size_t warmup_epochs = 40;

  /// Optimizer steps for that many images: whole batches of every epoch, the remainder left out.
  constexpr std::size_t steps(std::size_t images) const { return images / batch * epochs; }
  /// The learning rate by step: linear from 0, then half a cosine to 0.
  constexpr cosine_schedule learning_rate(std::size_t images) const {
    const auto steps_per_epoch = static_cast<double>(images / batch);
    return {.peak = linear_scaling(base_rate, batch),
            .warmup = static_cast<double>(warmup_epochs) * steps_per_epoch,
            .length = static_cast<double>(epochs) * steps_per_epoch};
  }
  /// AdamW with β = (0.9, 0.95); biases and norms are not decayed.
  constexpr adamw optimizer() const { return {.weight_decay = weight_decay}; }
};

/// ImageNet, 4096 images a step: the lengths of the paper.
constexpr mae_preset mae_800_epochs() { return {}; }
/// The same for 1600 epochs.
constexpr mae_preset mae_1600_epochs() { return {.epochs = 1600}; }

}  // namespace pretext::inline v0_1
