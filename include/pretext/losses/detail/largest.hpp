// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1::detail {

/// The first i < count for which f(i) is largest; 0 if all are NaN.
template <class Team, class F>
PRETEXT_HOST_DEVICE std::size_t largest_of(const Team& team, std::size_t count, const F& f) {
  const double top = team.maximum(count, f);
  const double last = double(count);
  const double behind =
      team.maximum(count, [&](std::size_t i) { return f(i) == top ? last - double(i) : 0.; });
  return behind > 0 ? count - static_cast<std::size_t>(behind) : 0;
}

}  // namespace pretext::inline v0_1::detail
