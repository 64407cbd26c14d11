// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/for_each_row.hpp>
#include <pretext/kernels/l2_normalize.hpp>

namespace pretext::inline v0_1::detail {

/// Rows of unit length, u = z/√max(Σz², 1e-12), in a context's workspace: valid as long as the caller's
/// `arena_scope`. `add_gradient` reads z again.
template <class Context>
class unit_rows {
 public:
  using T = typename Context::activation;
  using device = typename Context::device;

  unit_rows(Context& context, std::size_t rows, std::size_t columns, const T* z)
      : rows_{rows},
        columns_{columns},
        z_{z},
        unit_{context.workspace.template allocate<T>(rows * columns)},
        factor_{context.workspace.template allocate<double>(rows)} {
    kernels::for_each_row<device>::run(context, rows,
                                       kernels::detail::normalise_rows<T, T>{columns, z, unit_, factor_});
  }

  const T* data() const { return unit_; }
  const T* row(std::size_t i) const { return unit_ + i * columns_; }

  /// Adds to dz the gradient with respect to z, where scale·du is that with respect to the unit rows.
  void add_gradient(Context& context, double scale, const T* du, T* dz) const {
    kernels::for_each_row<device>::run(
        context, rows_,
        kernels::detail::normalise_rows_gradient<T, T, T>{columns_, scale, z_, du, factor_, dz,
                                                          kernels::write_mode::accumulate});
  }

 private:
  std::size_t rows_, columns_;
  const T* z_;
  T* unit_;
  double* factor_;
};

}  // namespace pretext::inline v0_1::detail
