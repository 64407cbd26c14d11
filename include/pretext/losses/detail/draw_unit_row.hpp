// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/core/device_scalar.hpp>
#include <pretext/core/distributions.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/random.hpp>

namespace pretext::inline v0_1::detail {

// States of losses draw with keys of epochs that no run reaches, so that no key equals one of a sample.
inline constexpr std::uint32_t queue_epoch = 0xFFFFFFFF, direction_epoch = 0xFFFFFFFE,
                               order_epoch = 0xFFFFFFFD;

/// A row of normal draws, normalised: uniform on the unit sphere. Every draw of `rows` rows has other
/// numbers.
template <class Number>
struct draw_unit_row {
  std::size_t rows, columns;
  std::uint32_t epoch;
  device_scalar<std::uint64_t> seed, draw;
  Number* to;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const random_key key{seed, epoch, std::uint64_t{draw} * rows + row, 0};
    Number* const unit = to + row * columns;
    team.each(columns, [&](std::size_t c) {
      unit[c] = static_cast<Number>(standard_normal(key, static_cast<std::uint32_t>(c)));
    });
    const double squares =
        team.sum(columns, [&](std::size_t c) { return double(unit[c]) * double(unit[c]); });
    const double inverse = 1 / std::sqrt(squares);
    team.each(columns, [&](std::size_t c) { unit[c] = static_cast<Number>(double(unit[c]) * inverse); });
  }
};

}  // namespace pretext::inline v0_1::detail
