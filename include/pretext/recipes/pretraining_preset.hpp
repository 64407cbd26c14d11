// SPDX-License-Identifier: MIT
#pragma once
// A preset is what a pretraining needs besides its images, network, batch and length. It holds rules instead
// of numbers where the number depends on the batch or on the length, so that one preset serves a minute on a
// CPU and a night on a GPU.
#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <pretext/augment/color_ops.hpp>
#include <pretext/core/shape.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/optimizers/adamw.hpp>
#include <pretext/optimizers/clipped.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/schedule.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/recipes/rate_rule.hpp>
#include <pretext/recipes/view_preset.hpp>

namespace pretext::inline v0_1 {

/// The kinds of images that there are presets for.
enum class image_kind : std::uint8_t {
  photographs,   ///< as in the papers: ImageNet, large batches, many epochs
  small_images,  ///< 32 to 64 pixels, minutes to hours on a few cores
  inspection,    ///< without an upright position, of one channel: parts, surfaces, tissue
};

/// Learning rate and weight decay of a preset with one optimizer.
struct optimizer_preset {
  rate_rule rate;
  double weight_decay = 0;

  friend constexpr bool operator==(const optimizer_preset&, const optimizer_preset&) = default;
};

/// The optimizers that a preset has values for.
enum class preset_optimizer : std::uint8_t { sgd, lars, adamw };

/// Images, batch and epochs of a training.
struct training_length {
  std::size_t images = 0, batch = 128, epochs = 20;

  constexpr std::size_t steps() const { return images / batch * epochs; }
};

/// Hyper-parameters of a pretraining for a kind of images. Members that a method does not have are not used.
struct pretraining_preset {
  preset_optimizer optimizer = preset_optimizer::sgd;  ///< recommended
  optimizer_preset with_sgd, with_lars, with_adamw;
  std::size_t batch = 128;  ///< recommended; sets of a few thousand images want small ones, for many steps
  double warmup = 0.075;    ///< fraction of the epochs
  double max_warmup_epochs = 10;
  double temperature = 0.2;    ///< of NT-Xent and other contrasts, of a student
  double momentum_lag = 3.87;  ///< the momentum of an EMA target starts at 1 − lag/√steps
  view_preset views{};
  std::optional<double> momentum{};   ///< published momentum at the first step, instead of the lag
  bool constant_momentum = false;     ///< the momentum stays as at the first step, else it rises to 1
  std::optional<double> clip_norm{};  ///< of gradients, if they are clipped
  clip_by clip = clip_by::whole;      ///< what clip_norm is the norm of
  double weight_decay_growth = 1;     ///< factor from the first step to the last, along half a cosine
  double target_temperature = 0.04;   ///< of a teacher, of ReSSL's target
  std::size_t queue_capacity = 4096;
  double epsilon = 0.05;  ///< smoothness of SwAV's codes
  /// The batch from which FroSSL's invariance has its published weight of 1. The term grows as the batch
  /// shrinks, and embeddings collapse.
  std::size_t invariance_batch = 256;

  constexpr const optimizer_preset& with(preset_optimizer which) const {
    return which == preset_optimizer::sgd    ? with_sgd
           : which == preset_optimizer::lars ? with_lars
                                             : with_adamw;
  }
  /// The peak learning rate of an optimizer for a batch.
  double learning_rate(preset_optimizer which, std::size_t images_a_step) const {
    return with(which).rate(images_a_step);
  }
  /// Do heads start as in the papers' code, N(0, 0.01) of SimCLR's, rather than as torch's layers? That is
  /// meant for LARS; under batch norm it multiplies the effective rate of other optimizers.
  static constexpr bool has_official_heads(preset_optimizer which) { return which == preset_optimizer::lars; }
  /// The weight of FroSSL's invariance for a batch.
  double invariance(std::size_t images_a_step) const {
    return std::min(1.0, static_cast<double>(images_a_step) / static_cast<double>(invariance_batch));
  }
  double warmup_epochs(std::size_t epochs) const {
    return std::min(warmup * static_cast<double>(epochs), max_warmup_epochs);
  }
  /// The momentum of an EMA target at the first step: the more steps, the slower the target. It is within
  /// 0.012 of BYOL's code for its four lengths, 12 500 to 313 000 steps.
  double target_momentum(std::size_t steps) const {
    if (momentum) return *momentum;
    return std::max(0.5, 1 - momentum_lag / std::sqrt(static_cast<double>(std::max<std::size_t>(steps, 1))));
  }

  /// Learning rate by step of the recommended optimizer: linear warm-up, then half a cosine to 0.
  cosine_schedule schedule(const training_length& length) const { return schedule(optimizer, length); }
  cosine_schedule schedule(preset_optimizer which, const training_length& length) const {
    const auto steps = static_cast<double>(length.steps());
    return {.peak = learning_rate(which, length.batch),
            .warmup = std::round(warmup_epochs(length.epochs) * steps / static_cast<double>(length.epochs)),
            .length = steps,
            .ramp = warm_up::after_start};
  }
  /// Momentum of an EMA target by step.
  cosine_momentum_schedule momentum_schedule(const training_length& length) const {
    const double base = target_momentum(length.steps());
    return {.base = base, .length = static_cast<double>(length.steps()), .end = constant_momentum ? base : 1};
  }
  constexpr nt_xent loss() const { return {.temperature = temperature}; }
  /// Nesterov's momentum of 0.9.
  constexpr sgd make_sgd() const { return {.nesterov = true, .weight_decay = with_sgd.weight_decay}; }
  constexpr lars make_lars(lars_variant variant = lars_variant::simclr) const {
    return {.weight_decay = with_lars.weight_decay, .variant = variant};
  }
  constexpr adamw make_adamw() const { return {.weight_decay = with_adamw.weight_decay}; }

  friend constexpr bool operator==(const pretraining_preset&, const pretraining_preset&) = default;
};

}  // namespace pretext::inline v0_1
