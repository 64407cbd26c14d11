// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/kernels/for_each_row.hpp>
#include <pretext/kernels/l2_normalize.hpp>

namespace pretext::inline v0_1::detail {

/// u = z/√max(Σz², 1e-12), row by row, and the factor 1/√….
template <class T>
struct make_unit_row {
  std::size_t columns;
  const T* z;
  T* u;
  double* factor;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const T* const from = z + row * columns;
    T* const to = u + row * columns;
    const double squares =
        team.sum(columns, [&](std::size_t c) { return double(from[c]) * double(from[c]); });
    const double inverse = squares <= 1e-12 ? kernels::detail::max_inverse_norm : 1 / std::sqrt(squares);
    team.each(columns, [&](std::size_t c) {
      to[c] = static_cast<T>(double(from[c]) * inverse);
      if (c == 0) factor[row] = inverse;
    });
  }
};

/// The gradient of `make_unit_row`: dz += scale·(du - (u·du)·u)·factor, or scale·du·factor where the factor
/// was clamped.
template <class T>
struct add_unit_row_gradient {
  std::size_t columns;
  double scale;
  const T *u, *du;
  const double* factor;
  T* dz;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const T *const unit = u + row * columns, *const slope = du + row * columns;
    T* const to = dz + row * columns;
    double along = team.sum(columns, [&](std::size_t c) { return double(unit[c]) * double(slope[c]); });
    if (kernels::detail::is_clamped(factor[row])) along = 0;
    const double by = scale * factor[row];
    team.each(columns, [&](std::size_t c) {
      to[c] = static_cast<T>(double(to[c]) + by * (double(slope[c]) - along * double(unit[c])));
    });
  }
};

/// Rows of unit length in a context's workspace; they are valid as long as the caller's `arena_scope`.
template <class Context>
class unit_rows {
 public:
  using T = typename Context::activation;
  using device = typename Context::device;

  unit_rows(Context& context, std::size_t rows, std::size_t columns, const T* z)
      : rows_{rows},
        columns_{columns},
        unit_{context.workspace.template allocate<T>(rows * columns)},
        factor_{context.workspace.template allocate<double>(rows)} {
    kernels::for_each_row<device>::run(context, rows, make_unit_row<T>{columns, z, unit_, factor_});
  }

  const T* data() const { return unit_; }
  const T* row(std::size_t i) const { return unit_ + i * columns_; }

  /// Adds to dz the gradient with respect to z, where scale·du is that with respect to the unit rows.
  void add_gradient(Context& context, double scale, const T* du, T* dz) const {
    kernels::for_each_row<device>::run(context, rows_,
                                       add_unit_row_gradient<T>{columns_, scale, unit_, du, factor_, dz});
  }

 private:
  std::size_t rows_, columns_;
  T* unit_;
  double* factor_;
};

}  // namespace pretext::inline v0_1::detail
