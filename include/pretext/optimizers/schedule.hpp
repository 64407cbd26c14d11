// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <concepts>
#include <cstddef>
#include <numbers>
#include <vector>

#include <pretext/core/host_device.hpp>

// A schedule is a function of the step, or of a fractional epoch: the unit is that of its warmup and length.
// No schedule has state, so a resumed run needs the number of the step and nothing else.
namespace pretext::inline v0_1 {

/// A learning rate, a momentum or a decay as a function of the step.
template <class S>
concept Schedule = requires(const S& schedule, double step) {
  { schedule(step) } -> std::convertible_to<double>;
};

/// The same value at every step.
struct constant_schedule {
  double value = 0;

  PRETEXT_HOST_DEVICE constexpr double operator()(double) const { return value; }
};

/// Linear from one value to another, constant afterwards: I-JEPA's target momentum.
struct linear_schedule {
  double from = 0, to = 1, length = 1;

  PRETEXT_HOST_DEVICE constexpr double operator()(double step) const {
    return step < length ? from + (to - from) * step / length : to;
  }
};

/// Numpy's linspace: `points` values from one to another, both included, then the last: the temperature of
/// DINO's and iBOT's targets by epoch, of DINOv2's by step. One point is `from`, none is `to`.
struct linspace_schedule {
  double from = 0, to = 1, points = 2;

  PRETEXT_HOST_DEVICE constexpr double operator()(double step) const {
    if (step >= points) return to;
    return points > 1 ? from + (to - from) * step / (points - 1) : from;
  }
};

/// The fraction of a warm-up of w steps that step k has reached.
enum class warm_up {
  from_start,   ///< k/w, the first step at `start`: SimCLR, BYOL, MAE, Barlow Twins
  linspace,     ///< k/(w-1), the last warm-up step at the peak: numpy's linspace in SwAV and DINO
  after_start,  ///< (k+1)/w, no step at `start`: lightly
};

/// Linear warm-up from `start` to `peak` over `warmup`, then half a cosine down to `end` at `length`
/// (Loshchilov & Hutter 2017, without restarts). Step 0 of a warm-up has learning rate 0 in most recipes.
struct cosine_schedule {
  double peak = 0.1, warmup = 0, length = 1, end = 0, start = 0;
  warm_up ramp = warm_up::from_start;

  PRETEXT_HOST_DEVICE double operator()(double step) const {
    if (step < warmup) {
      double fraction = step / warmup;
      if (ramp == warm_up::linspace) fraction = warmup > 1 ? step / (warmup - 1) : 0;
      if (ramp == warm_up::after_start) fraction = (step + 1) / warmup;
      return start + (peak - start) * fraction;
    }
    if (step >= length) return end;
    return end + (peak - end) * (1 + std::cos(std::numbers::pi * (step - warmup) / (length - warmup))) / 2;
  }
};

/// `start`, multiplied by `gamma` at each milestone: MoCo's linear probe is {30, 0.1, {60, 80}} in epochs.
struct multistep_schedule {
  double start = 0.1, gamma = 0.1;
  std::vector<double> milestones;

  double operator()(double step) const {
    double passed = 0;
    for (const double at : milestones) passed += step >= at;
    return start * std::pow(gamma, passed);
  }
};

/// A schedule in epochs that is constant within each epoch: SimSiam, MoCo v2.
template <Schedule S>
struct per_epoch_schedule {
  S schedule;
  double steps_per_epoch = 1;

  double operator()(double step) const { return schedule(std::floor(step / steps_per_epoch)); }
};

/// A schedule that counts the first step as 1: the learning rate and the weight decay of I-JEPA.
template <Schedule S>
struct one_based_schedule {
  S schedule;

  constexpr double operator()(double step) const { return schedule(step + 1); }
};

/// The momentum of an EMA target at step k (Grill et al. 2020, §3.2): from `base` to `end`, which is 1, along
/// half a cosine.
struct cosine_momentum_schedule {
  double base = 0.996, length = 1, end = 1;

  PRETEXT_HOST_DEVICE double operator()(double step) const {
    if (step >= length) return end;
    return end - (end - base) * (std::cos(std::numbers::pi * step / length) + 1) / 2;
  }
};

/// The learning rate for a batch when `rate` is that for 256 images.
PRETEXT_HOST_DEVICE constexpr double linear_scaling(double rate, std::size_t batch) {
  return rate * static_cast<double>(batch) / 256;
}

/// rate·√batch: SimCLR's other rule, 0.075·√batch, is better for small batches and few epochs.
PRETEXT_HOST_DEVICE inline double square_root_scaling(double rate, std::size_t batch) {
  return rate * std::sqrt(static_cast<double>(batch));
}

/// Whole batches in that many epochs, the remainder of an epoch carried into the next: the length of BYOL and
/// the warm-up of BYOL and SimCLR.
constexpr std::size_t steps_of(std::size_t images, std::size_t batch, std::size_t epochs) {
  return images * epochs / batch;
}

/// SimCLR's length counts one step more than `steps_of`.
constexpr std::size_t simclr_steps(std::size_t images, std::size_t batch, std::size_t epochs) {
  return steps_of(images, batch, epochs) + 1;
}

}  // namespace pretext::inline v0_1
