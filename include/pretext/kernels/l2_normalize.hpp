// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// The largest factor that L2 normalisation in losses, 1/√max(Σz², 1e-12), multiplies a row by.
inline constexpr double max_inverse_norm = 1e6;
/// The same where a norm is at least 1e-12, as in torch's `normalize`: in layers.
inline constexpr double torch_max_inverse_norm = 1e12;

/// Whether a row was shorter than that: its factor is a constant, so its gradient keeps its radial part.
template <class T>
PRETEXT_HOST_DEVICE constexpr bool is_clamped(T inverse_norm) {
  return inverse_norm >= static_cast<T>(max_inverse_norm);
}

/// The factor 1/√squares, at most `largest`; NaN stays NaN.
PRETEXT_HOST_DEVICE inline double inverse_norm(double squares, double largest = max_inverse_norm) {
  return squares <= 1 / (largest * largest) ? largest : 1 / std::sqrt(squares);
}

/// Work of `for_each_row`: u = gain·z/‖z‖ of a row and the factor 1/‖z‖, which is at most `largest`. u may be
/// z; `factor` and `gain`, one value per row, may be null, and no gain means 1.
template <class Z, class U>
struct normalise_rows {
  std::size_t columns;
  const Z* z;
  U* u;
  double* factor;
  double largest = max_inverse_norm;
  const Z* gain = nullptr;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const Z* const from = z + row * columns;
    U* const to = u + row * columns;
    const double squares =
        team.sum(columns, [&](std::size_t c) { return double(from[c]) * double(from[c]); });
    const double inverse = inverse_norm(squares, largest);
    const double scale = gain ? inverse * double(gain[row]) : inverse;
    team.each(columns, [&](std::size_t c) {
      to[c] = static_cast<U>(double(from[c]) * scale);
      if (c == 0 && factor) factor[row] = inverse;
    });
  }
};

/// Work of `for_each_row`: the gradient of `normalise_rows`, whose z and factor it reads. With v = z·factor,
/// dz = scale·gain·factor·(du - (v·du)·v), without the second term where the factor was clamped; it is
/// written or added. dgain += v·du, unless null. dz may be du.
template <class Z, class D, class G>
struct normalise_rows_gradient {
  std::size_t columns;
  double scale;
  const Z* z;
  const D* du;
  const double* factor;
  G* dz;
  write_mode mode;
  double largest = max_inverse_norm;
  const Z* gain = nullptr;
  Z* dgain = nullptr;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const Z* const from = z + row * columns;
    const D* const slope = du + row * columns;
    G* const to = dz + row * columns;
    const double inverse = factor[row];
    const double along =
        team.sum(columns, [&](std::size_t c) { return double(from[c]) * inverse * double(slope[c]); });
    const double radial = inverse >= largest ? 0 : along;
    const double by = gain ? scale * inverse * double(gain[row]) : scale * inverse;
    const bool adds = mode == write_mode::accumulate;
    team.each(columns, [&](std::size_t c) {
      const double gradient = by * (double(slope[c]) - radial * inverse * double(from[c]));
      to[c] = static_cast<G>(adds ? double(to[c]) + gradient : gradient);
      if (c == 0 && dgain) dgain[row] = static_cast<Z>(double(dgain[row]) + scale * along);
    });
  }
};

}  // namespace pretext::inline v0_1::kernels::detail
