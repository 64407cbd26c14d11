// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <type_traits>

#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1 {

/// A value that changes from step to step (a momentum, an epoch, the rates of an optimizer): either the value
/// itself, or its address in the device's memory, which the device reads when it executes the step. Steps
/// that a device replays need the second kind, because arguments of recorded kernels are constant; only the
/// device can read it.
template <class T>
class device_scalar {
 public:
  PRETEXT_HOST_DEVICE constexpr device_scalar(T value = T{}) : value_{value} {}
  /// Of what a struct can be made of: `device_scalar<step_rates>` of one learning rate.
  template <class U>
    requires(std::is_class_v<T> && !std::same_as<U, device_scalar> && std::convertible_to<U, T>)
  PRETEXT_HOST_DEVICE constexpr device_scalar(U value) : value_(value) {}
  PRETEXT_HOST_DEVICE static constexpr device_scalar at_address(const T* address) {
    device_scalar stored;
    stored.address_ = address;
    return stored;
  }

  PRETEXT_HOST_DEVICE constexpr operator T() const { return address_ ? *address_ : value_; }

 private:
  T value_{};
  const T* address_ = nullptr;
};

}  // namespace pretext::inline v0_1
