#pragma once
#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <numbers>
#include <vector>

#include <pretext/core/host_device.hpp>

// A schedule is a value that is asked for the number at a step (or at a fractional epoch: the unit is
// whatever warmup and length are given in). None holds state, so a resumed run needs to know the step and
// nothing else.
namespace pretext {

/// A learning rate, a momentum or a decay as a function of the step.
template <class S>
concept Schedule = requires(const S& schedule, double step) {
  { schedule(step) } -> std::convertible_to<double>;
};

/// The same number at every step.
struct constant_schedule {
  double value = 0;

  PRETEXT_HOST_DEVICE constexpr double operator()(double) const { return value; }
};

/// A straight line from one number to another, level afterwards: I-JEPA's target momentum.
struct linear_schedule {
  double from = 0, to = 1, length = 1;

  PRETEXT_HOST_DEVICE constexpr double operator()(double step) const {
    return step < length ? from + (to - from) * step / length : to;
  }
};

/// Where the warm-up stands at step k of w.
enum class warm_up {
  from_start,   ///< k/w, the first step at `start`: SimCLR, BYOL, MAE, Barlow Twins
  linspace,     ///< k/(w-1), the last warm-up step at the peak: numpy's linspace in SwAV and DINO
  after_start,  ///< (k+1)/w, no step at `start`: lightly
};

/// Linear warm-up from `start` to `peak` over `warmup`, then half a cosine down to `end` at `length`
/// (Loshchilov & Hutter 2017 without restarts). Step 0 of a warm-up has rate 0 in most recipes.
struct cosine_schedule {
  double peak = 0.1, warmup = 0, length = 1, end = 0, start = 0;
  warm_up ramp = warm_up::from_start;

  PRETEXT_HOST_DEVICE double operator()(double step) const {
    if (step < warmup) {
      double way = step / warmup;
      if (ramp == warm_up::linspace) way = warmup > 1 ? step / (warmup - 1) : 0;
      if (ramp == warm_up::after_start) way = (step + 1) / warmup;
      return start + (peak - start) * way;
    }
    if (step >= length) return end;
    return end + (peak - end) * (1 + std::cos(std::numbers::pi * (step - warmup) / (length - warmup))) / 2;
  }
};

/// Multiplied by `gamma` at each milestone that has been passed: MoCo's probe is {30, 0.1, {60, 80}} in
/// epochs.
struct multistep_schedule {
  double start = 0.1, gamma = 0.1;
  std::vector<double> milestones;

  double operator()(double step) const {
    const auto passed = std::ranges::count_if(milestones, [&](double at) { return step >= at; });
    return start * std::pow(gamma, static_cast<double>(passed));
  }
};

/// A schedule in epochs that changes between epochs only: SimSiam, MoCo v2.
template <Schedule S>
struct per_epoch_schedule {
  S schedule;
  double steps_per_epoch = 1;

  double operator()(double step) const { return schedule(std::floor(step / steps_per_epoch)); }
};

/// How much of itself the target keeps at step k (Grill et al. 2020, §3.2): from `base` to 1 along half a
/// cosine.
struct cosine_momentum_schedule {
  double base = 0.996, length = 1;

  PRETEXT_HOST_DEVICE double operator()(double step) const {
    if (step >= length) return 1;
    return 1 - (1 - base) * (std::cos(std::numbers::pi * step / length) + 1) / 2;
  }
};

/// The rate for a batch of images when `rate` is quoted for 256.
PRETEXT_HOST_DEVICE constexpr double linear_scaling(double rate, std::size_t batch) {
  return rate * static_cast<double>(batch) / 256;
}

/// rate·√batch: SimCLR's other rule, 0.075·√batch, better for small batches and few epochs.
PRETEXT_HOST_DEVICE inline double square_root_scaling(double rate, std::size_t batch) {
  return rate * std::sqrt(static_cast<double>(batch));
}

/// Whole batches in that many epochs, the remainder carried from epoch to epoch: BYOL's length and the
/// warm-up of both BYOL and SimCLR.
constexpr std::size_t steps_of(std::size_t images, std::size_t batch, std::size_t epochs) {
  return images * epochs / batch;
}

/// SimCLR's length counts one step more than `steps_of`.
constexpr std::size_t simclr_steps(std::size_t images, std::size_t batch, std::size_t epochs) {
  return steps_of(images, batch, epochs) + 1;
}

}  // namespace pretext
