// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/device_scalar.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/losses/loss_batch.hpp>

namespace pretext::inline v0_1::detail {

/// A hyper-parameter that may change from step to step, read where the step is executed.
struct scheduled_value {
  double constant = 0;
  device_scalar<loss_values> values{};
  std::size_t slot = 0;

  PRETEXT_HOST_DEVICE operator double() const {
    return static_cast<loss_values>(values).value_or(slot, constant);
  }
};

}  // namespace pretext::inline v0_1::detail
