// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1::detail {

/// One prediction: the cross-entropy of its products with all keys against its own key, and the gradient.
template <class T, class W>
struct info_nce_row {
  std::size_t images;
  double temperature, factor;  ///< `factor` of a row's cross-entropy in the loss
  const W* products;
  T* slope;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const std::size_t n = images;
    const W* const from = products + row * n;
    T* const to = slope + row * n;
    const double inverse = 1 / temperature;
    // Unit rows have products of at most 1, up to rounding.
    const auto term = [&](std::size_t c) { return std::exp((double(from[c]) - 1) * inverse); };
    const double sum = team.sum(n, term);
    const double value = std::log(sum) + (1 - double(from[row])) * inverse;
    const double scale = factor * inverse;
    team.each(n, [&](std::size_t c) {
      to[c] = static_cast<T>(scale * (term(c) / sum - (c == row ? 1 : 0)));
      if (c == 0) parts[row] = factor * value;
    });
  }
};

}  // namespace pretext::inline v0_1::detail
