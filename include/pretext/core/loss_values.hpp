// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1 {

/// Hyper-parameters of a loss that change from step to step, in the order of the loss's `scheduled` names. A
/// negative one is not given: the loss then has its own constant.
struct loss_values {
  static constexpr std::size_t most = 4;
  double of[most] = {-1, -1, -1, -1};

  PRETEXT_HOST_DEVICE constexpr double value_or(std::size_t which, double constant) const {
    return of[which] < 0 ? constant : of[which];
  }
  friend constexpr bool operator==(const loss_values&, const loss_values&) = default;
};

}  // namespace pretext::inline v0_1
