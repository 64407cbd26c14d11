#pragma once
#include <pretext/core/host_device.hpp>

namespace pretext {

/// A number that changes from step to step (a learning rate, a momentum, an epoch): either the number itself,
/// or where in the device's memory it will stand when the step runs there. Of the second kind are those of
/// steps that a device repeats by itself; only the device reads them.
template <class T>
class device_scalar {
 public:
  PRETEXT_HOST_DEVICE constexpr device_scalar(T number = T{}) : number_{number} {}
  PRETEXT_HOST_DEVICE static constexpr device_scalar at_address(const T* on_device) {
    device_scalar stored;
    stored.on_device_ = on_device;
    return stored;
  }

  PRETEXT_HOST_DEVICE constexpr operator T() const { return on_device_ ? *on_device_ : number_; }

 private:
  T number_{};
  const T* on_device_ = nullptr;
};

}  // namespace pretext
