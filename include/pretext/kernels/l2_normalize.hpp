// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// The largest factor that L2 normalisation, 1/√max(Σz², 1e-12), multiplies a row by.
inline constexpr double max_inverse_norm = 1e6;

/// Whether a row was shorter than that: its factor is a constant, so its gradient keeps its radial part.
template <class T>
PRETEXT_HOST_DEVICE constexpr bool is_clamped(T inverse_norm) {
  return inverse_norm >= static_cast<T>(max_inverse_norm);
}

}  // namespace pretext::inline v0_1::kernels::detail
