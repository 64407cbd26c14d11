// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// Σ f(i) for i < count in sixteen partial sums, the order of vector instructions, so that every instruction
/// set gives the same bits.
template <class T, class F>
PRETEXT_HOST_DEVICE T lane_sum(std::size_t count, const F& f) {
  constexpr std::size_t lanes = 16;
  T part[lanes]{};
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) part[lane] += f(i + lane);
  for (std::size_t lane = 0; i < count; ++i, ++lane) part[lane] += f(i);
  for (std::size_t half = lanes / 2; half > 0; half /= 2)
    for (std::size_t lane = 0; lane < half; ++lane) part[lane] += part[lane + half];
  return part[0];
}

/// The largest of x[0..count); count > 0.
template <class T>
T lane_maximum(std::size_t count, const T* x) {
  constexpr std::size_t lanes = 16;
  T largest[lanes];
  for (std::size_t lane = 0; lane < lanes; ++lane) largest[lane] = x[lane < count ? lane : 0];
  std::size_t i = lanes;
  for (; i + lanes <= count; i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane)
      largest[lane] = largest[lane] > x[i + lane] ? largest[lane] : x[i + lane];
  for (std::size_t lane = 0; i < count; ++i, ++lane)
    largest[lane] = largest[lane] > x[i] ? largest[lane] : x[i];
  for (std::size_t half = lanes / 2; half > 0; half /= 2)
    for (std::size_t lane = 0; lane < half; ++lane)
      largest[lane] = largest[lane] > largest[lane + half] ? largest[lane] : largest[lane + half];
  return largest[0];
}

}  // namespace pretext::inline v0_1::kernels::detail
