#pragma once
#include <pretext/core/host_device.hpp>

namespace pretext::kernels::detail {

/// The factor 1/√max(Σz², 1e-12) that gives a row length one, and no more than this.
inline constexpr double longest_inverse = 1e6;

/// Does a row's gradient turn it, or was its length cut off?
template <class T>
PRETEXT_HOST_DEVICE constexpr bool turns(T inverse) {
  return !(inverse >= static_cast<T>(longest_inverse));
}

}  // namespace pretext::kernels::detail
