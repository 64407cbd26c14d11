// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1::detail {

/// Copies rows to memory of another type.
template <class From, class To>
struct copy_row {
  std::size_t columns;
  const From* from;
  To* to;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const From* const source = from + row * columns;
    To* const copy = to + row * columns;
    team.each(columns, [&](std::size_t c) { copy[c] = static_cast<To>(source[c]); });
  }
};

}  // namespace pretext::inline v0_1::detail
