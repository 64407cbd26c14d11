// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::kernels {

/// The moments of each channel of (rows, channels), separately for each of `groups` equal parts of the rows:
/// means, and sums of squared deviations from them, (groups, channels) each.
struct channel_moments {
  std::size_t groups;
  double *mean, *deviations;
};

}  // namespace pretext::inline v0_1::kernels
